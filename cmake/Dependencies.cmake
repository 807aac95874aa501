# Debian packages only. BoringSSL comes from android-libboringssl-dev, whose headers and libraries
# live in private folders; OpenSSL must never be linked beside it.
find_package(Threads REQUIRED)

set(Boost_USE_STATIC_LIBS OFF)
find_package(Boost 1.81 EXACT REQUIRED)
add_library(wgr_asio INTERFACE)
target_link_libraries(wgr_asio INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(wgr_asio INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_ARRAY BOOST_ALL_NO_LIB BOOST_ERROR_CODE_HEADER_ONLY)

find_path(BORINGSSL_INCLUDE openssl/base.h PATHS /usr/include/android NO_DEFAULT_PATH REQUIRED)
find_library(BORINGSSL_CRYPTO crypto PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/android
             /usr/lib/x86_64-linux-gnu/android /usr/lib/aarch64-linux-gnu/android NO_DEFAULT_PATH REQUIRED)
get_filename_component(BORINGSSL_DIR ${BORINGSSL_CRYPTO} DIRECTORY)
add_library(wgr_boringssl_crypto INTERFACE)
target_include_directories(wgr_boringssl_crypto SYSTEM INTERFACE ${BORINGSSL_INCLUDE})
target_link_libraries(wgr_boringssl_crypto INTERFACE ${BORINGSSL_CRYPTO})
target_link_options(wgr_boringssl_crypto INTERFACE -Wl,-rpath,${BORINGSSL_DIR})

find_library(BORINGSSL_SSL ssl PATHS ${BORINGSSL_DIR} NO_DEFAULT_PATH REQUIRED)
add_library(wgr_boringssl_ssl INTERFACE)
target_link_libraries(wgr_boringssl_ssl INTERFACE ${BORINGSSL_SSL} wgr_boringssl_crypto)

find_path(SODIUM_INCLUDE sodium.h REQUIRED)
find_library(SODIUM_LIBRARY sodium REQUIRED)
add_library(wgr_sodium INTERFACE)
target_include_directories(wgr_sodium SYSTEM INTERFACE ${SODIUM_INCLUDE})
target_link_libraries(wgr_sodium INTERFACE ${SODIUM_LIBRARY})

find_package(yaml-cpp REQUIRED)

# Only the core: the pull part brings a web server of its own.
find_package(prometheus-cpp CONFIG REQUIRED COMPONENTS core)
