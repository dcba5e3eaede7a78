find_package(PkgConfig REQUIRED)
pkg_check_modules(talloc REQUIRED IMPORTED_TARGET talloc)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(zmq REQUIRED IMPORTED_TARGET libzmq>=4.3)
pkg_search_module(msgpack REQUIRED IMPORTED_TARGET msgpack-c msgpack) # Debian 12: msgpack
pkg_check_modules(pq REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(sqlite REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(yaml REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(curl REQUIRED IMPORTED_TARGET libcurl)

# libpg_query ships no pkg-config file.
find_path(PG_QUERY_INCLUDE pg_query.h REQUIRED)
find_library(PG_QUERY_LIBRARY pg_query REQUIRED)
add_library(pg_query INTERFACE)
target_include_directories(pg_query SYSTEM INTERFACE "${PG_QUERY_INCLUDE}")
target_link_libraries(pg_query INTERFACE "${PG_QUERY_LIBRARY}")

pkg_check_modules(microhttpd REQUIRED IMPORTED_TARGET libmicrohttpd)

if(BUILD_TESTING)
  pkg_check_modules(check REQUIRED IMPORTED_TARGET check>=0.15)
endif()
