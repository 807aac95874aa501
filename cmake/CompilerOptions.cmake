# Every target of the project links wgr_options: warnings as errors, hardening, sanitizers.
include(CheckCXXCompilerFlag)
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(wgr_options INTERFACE)
target_include_directories(wgr_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(wgr_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Wcast-qual -Wformat=2 -Werror
  -fstack-protector-strong -fno-omit-frame-pointer)
target_compile_definitions(wgr_options INTERFACE _GLIBCXX_ASSERTIONS)

if(WGR_SANITIZE)
  target_compile_options(wgr_options INTERFACE -fsanitize=${WGR_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(wgr_options INTERFACE -fsanitize=${WGR_SANITIZE})
else()
  target_compile_options(wgr_options INTERFACE $<$<CONFIG:Release>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>)
  target_compile_options(wgr_options INTERFACE -fstack-clash-protection)
  # Of x86 only; elsewhere compilers refuse it.
  check_cxx_compiler_flag(-fcf-protection WGR_HAS_CF_PROTECTION)
  if(WGR_HAS_CF_PROTECTION)
    target_compile_options(wgr_options INTERFACE -fcf-protection)
  endif()
  target_link_options(wgr_options INTERFACE -Wl,-z,relro,-z,now)
endif()
if(WGR_FUZZ)
  # Coverage for libFuzzer in every library; the targets themselves link the driver.
  target_compile_options(wgr_options INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(wgr_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# GCC 12 reports -Wrestrict inside std::string's operator+ (PR 105651).
target_compile_options(wgr_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)

# Optimization across files, for the programs that say so by wgr_optimize_whole(). The libraries carry both kinds
# of code, so that the tests link as fast as without it.
set(WGR_GCC_RELEASE "$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>")
if(WGR_LTO AND NOT WGR_SANITIZE)
  set(WGR_LIBRARY_OPTIONS "$<${WGR_GCC_RELEASE}:-flto;-ffat-lto-objects>")  # for wgr_library()
  target_link_options(wgr_options INTERFACE
    "$<${WGR_GCC_RELEASE}:$<IF:$<BOOL:$<TARGET_PROPERTY:WGR_WHOLE>>,-flto=auto,-fno-lto>>")
endif()

function(wgr_optimize_whole program)
  set_target_properties(${program} PROPERTIES WGR_WHOLE ON)
endfunction()
