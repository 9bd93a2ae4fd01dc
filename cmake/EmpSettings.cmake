# SPDX-License-Identifier: BSD-3-Clause
#
# What holds for every target: language, flags, where things land, and the libraries that are needed.

# The version stands in the public header; this file may not say another one.
file (STRINGS "${PROJECT_SOURCE_DIR}/common/eisenmp.h" version_line REGEX "^#define EMP_VERSION \"")
string (REGEX REPLACE ".*\"(.*)\".*" "\\1" header_version "${version_line}")
if (NOT header_version STREQUAL PROJECT_VERSION)
    message (FATAL_ERROR "common/eisenmp.h says version ${header_version}, CMakeLists.txt says ${PROJECT_VERSION}")
endif ()
foreach (part MAJOR MINOR PATCH)
    file (STRINGS "${PROJECT_SOURCE_DIR}/common/eisenmp.h" number REGEX "^#define EMP_VERSION_${part} ")
    string (REGEX REPLACE "[^0-9]" "" number "${number}")
    if (NOT number STREQUAL PROJECT_VERSION_${part})
        message (FATAL_ERROR "EMP_VERSION_${part} of common/eisenmp.h is not that of ${PROJECT_VERSION}")
    endif ()
endforeach ()

set (CMAKE_C_STANDARD 11)
set (CMAKE_C_STANDARD_REQUIRED ON)
set (CMAKE_C_EXTENSIONS ON)
set (CMAKE_C_VISIBILITY_PRESET hidden)
set (CMAKE_POSITION_INDEPENDENT_CODE ON)
set (CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Asserts stay on in every build type: they guard the ledger, and cost nothing that was measurable.
set (CMAKE_C_FLAGS_DEBUG "-Og -g3")
set (CMAKE_C_FLAGS_RELEASE "-O2")
set (CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
if (NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set (CMAKE_BUILD_TYPE RelWithDebInfo)
endif ()

if (EMP_SANITIZE)
    add_compile_options (-fsanitize=${EMP_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options (-fsanitize=${EMP_SANITIZE})
endif ()
if (EMP_FUZZ)
    add_compile_options (-fsanitize=fuzzer-no-link)
endif ()
if (EMP_COVERAGE)
    add_compile_options (--coverage)
    add_link_options (--coverage)
endif ()

set (EMP_BIN_DIR "${PROJECT_BINARY_DIR}/bin")
set (EMP_LIB_DIR "${PROJECT_BINARY_DIR}/lib")
set (EMP_MODULE_DIR "${EMP_LIB_DIR}/eisenmp")
set (EMP_TEST_MODULE_DIR "${EMP_LIB_DIR}/eisenmp-tests")
set (EMP_INCLUDE_DIR "${PROJECT_BINARY_DIR}/include") # holds eisenmp.h and nothing else
configure_file (common/eisenmp.h "${EMP_INCLUDE_DIR}/eisenmp.h" COPYONLY)

# All of the project's own code is for Linux and glibc. Empty, so that a file that defines it itself does not differ.
set (EMP_DEFINITIONS _GNU_SOURCE=)
set (EMP_WARNINGS -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith)
set (EMP_WARNINGS_PRODUCTION ${EMP_WARNINGS} -Wconversion -Wcast-qual -Wswitch-enum)
if (CMAKE_C_COMPILER_ID MATCHES "Clang")
    list (APPEND EMP_WARNINGS_PRODUCTION -Wno-string-conversion) # assert (!"a sentence")
endif ()
if (EMP_WERROR)
    list (APPEND EMP_WARNINGS -Werror)
    list (APPEND EMP_WARNINGS_PRODUCTION -Werror)
endif ()

find_package (Threads REQUIRED)
find_package (PkgConfig REQUIRED)
pkg_check_modules (ZMQ REQUIRED IMPORTED_TARGET "libzmq >= 4.3")
pkg_check_modules (CZMQ REQUIRED IMPORTED_TARGET "libczmq >= 4.2")
pkg_check_modules (FYAML REQUIRED IMPORTED_TARGET "libfyaml >= 0.7")
pkg_check_modules (SQLITE REQUIRED IMPORTED_TARGET "sqlite3 >= 3.38") # json_each is built in since then
pkg_check_modules (SODIUM REQUIRED IMPORTED_TARGET "libsodium >= 1.0.16")
pkg_check_modules (MICROHTTPD QUIET IMPORTED_TARGET "libmicrohttpd >= 0.9.71") # without: no page of the examples
# msgpack-c's own name for its pkg-config file, and Debian's.
pkg_check_modules (MSGPACK QUIET IMPORTED_TARGET "msgpack-c >= 4")
set (EMP_MSGPACK_PC msgpack-c)
if (NOT MSGPACK_FOUND)
    pkg_check_modules (MSGPACK REQUIRED IMPORTED_TARGET "msgpack >= 4")
    set (EMP_MSGPACK_PC msgpack)
endif ()
if (EMP_TESTS)
    pkg_check_modules (CRITERION REQUIRED IMPORTED_TARGET "criterion >= 2.4")
endif ()

# Debian's libzmq.pc also hands on the include folders of what only libzmq itself is built with (nss, krb5, pgm), and not
# the same ones on every configure, which would rebuild everything. Each library's own include folder is enough.
foreach (library ZMQ CZMQ FYAML SQLITE SODIUM MSGPACK)
    set_target_properties (PkgConfig::${library} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${${library}_INCLUDEDIR}")
endforeach ()
