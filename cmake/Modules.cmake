# wgr_library(NAME SOURCES... LIBS...): one static library per folder, with every header of the
# folder compiled alone once (a header must not need another header before it).
function(wgr_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  if(NOT ARG_SOURCES)  # headers only, so far
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE wgr_options ${ARG_LIBS})
    return()
  endif()
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC wgr_options ${ARG_LIBS})
  target_compile_options(${name} PRIVATE ${WGR_LIBRARY_OPTIONS})
  file(GLOB headers CONFIGURE_DEPENDS *.h */*.h)
  set(alone)
  foreach(header ${headers})
    file(RELATIVE_PATH path ${PROJECT_SOURCE_DIR} ${header})
    string(REPLACE "/" "_" stem ${path})
    set(unit ${CMAKE_CURRENT_BINARY_DIR}/alone/${stem}.cc)
    if(NOT EXISTS ${unit})
      file(WRITE ${unit} "#include \"${path}\"\n#include \"${path}\"  // NOLINT: guarded twice\n")
    endif()
    list(APPEND alone ${unit})
  endforeach()
  if(alone AND WGR_HEADERS_ALONE)
    add_library(${name}_headers_alone OBJECT ${alone})
    target_link_libraries(${name}_headers_alone PRIVATE ${name})
  endif()
endfunction()

# gtest's macros and literal tables of bytes convert and shadow freely; settings are written by name. Linked after wgr_options.
add_library(wgr_test_options INTERFACE)
target_compile_options(wgr_test_options INTERFACE -Wno-conversion -Wno-sign-conversion -Wno-shadow
  -Wno-missing-field-initializers)

# wgr_test(NAME SOURCES... LIBS...): a GoogleTest program registered with ctest test by test.
function(wgr_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE
    wgr_options ${ARG_LIBS} wgr_test_options GTest::gtest GTest::gmock GTest::gtest_main)
  # One label, since gtest_discover_tests() keeps only the first of a list; `ctest -L` takes a regex.
  string(REPLACE ";" "+" label "${ARG_LABELS}")
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES LABELS "${label}")
endfunction()
