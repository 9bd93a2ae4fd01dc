# SPDX-License-Identifier: BSD-3-Clause
#
# One function per kind of target. Sources are globbed: a file that appears in a room belongs to it.

include (GNUInstallDirs)

# emp_archive (<name> FOLDER <room> LINK <libraries>...): every .c file of the room but main.c.
function (emp_archive name)
    cmake_parse_arguments (arg "" "FOLDER" "LINK" ${ARGN})
    file (GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${arg_FOLDER}/*.c")
    list (FILTER sources EXCLUDE REGEX "/main\\.c$")
    add_library (${name} STATIC ${sources})
    target_include_directories (${name} PRIVATE "${EMP_INCLUDE_DIR}")
    target_compile_definitions (${name} PRIVATE ${EMP_DEFINITIONS})
    target_compile_options (${name} PRIVATE ${EMP_WARNINGS_PRODUCTION})
    target_link_libraries (${name} PRIVATE ${arg_LINK} Threads::Threads m)
endfunction ()

# emp_embed (<target> <file> <name>): a file as the bytes `const unsigned char <name>[]`, `const size_t <name>_size`.
function (emp_embed target source name)
    set (output "${PROJECT_BINARY_DIR}/embedded/${name}.c")
    set (script "${PROJECT_SOURCE_DIR}/cmake/EmpEmbed.cmake")
    add_custom_command (OUTPUT "${output}" DEPENDS "${PROJECT_SOURCE_DIR}/${source}" "${script}" VERBATIM
                        COMMAND "${CMAKE_COMMAND}" -D "FILE=${PROJECT_SOURCE_DIR}/${source}" -D "NAME=${name}"
                                -D "OUTPUT=${output}" -P "${script}")
    target_sources (${target} PRIVATE "${output}")
endfunction ()

# emp_link_whole (<target> <archives>...): every symbol of them, used or not.
function (emp_link_whole name)
    list (JOIN ARGN "," archives)
    target_link_libraries (${name} PRIVATE "$<LINK_LIBRARY:WHOLE_ARCHIVE,${archives}>")
endfunction ()

# emp_program (<name> MAIN <file> ARCHIVES <archives>...): a program that exports EMP_API to the modules it loads.
function (emp_program name)
    cmake_parse_arguments (arg "" "MAIN" "ARCHIVES" ${ARGN})
    # The library has the name of the main program, so targets of programs are called otherwise.
    add_executable (program-${name} "${PROJECT_SOURCE_DIR}/${arg_MAIN}")
    set_target_properties (program-${name} PROPERTIES OUTPUT_NAME ${name} ENABLE_EXPORTS ON
                           RUNTIME_OUTPUT_DIRECTORY "${EMP_BIN_DIR}")
    target_include_directories (program-${name} PRIVATE "${EMP_INCLUDE_DIR}")
    target_compile_definitions (program-${name} PRIVATE ${EMP_DEFINITIONS})
    target_compile_options (program-${name} PRIVATE ${EMP_WARNINGS_PRODUCTION})
    target_link_libraries (program-${name} PRIVATE PkgConfig::MSGPACK Threads::Threads m)
    emp_link_whole (program-${name} ${arg_ARCHIVES})
    set_property (GLOBAL APPEND PROPERTY EMP_PROGRAMS program-${name})
endfunction ()

# emp_library (<name> ARCHIVES <archives>...): the shared library for manager programs.
function (emp_library name)
    cmake_parse_arguments (arg "" "" "ARCHIVES" ${ARGN})
    set (empty "${PROJECT_BINARY_DIR}/library.c")
    file (CONFIGURE OUTPUT "${empty}" CONTENT "typedef int emp_nothing_t; /* all of the library comes from its archives */\n")
    add_library (${name} SHARED "${empty}")
    set_target_properties (${name} PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
                           LIBRARY_OUTPUT_DIRECTORY "${EMP_LIB_DIR}")
    target_include_directories (${name} INTERFACE "$<BUILD_INTERFACE:${EMP_INCLUDE_DIR}>"
                                                  "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
    target_link_libraries (${name} PUBLIC PkgConfig::MSGPACK PRIVATE Threads::Threads)
    emp_link_whole (${name} ${arg_ARCHIVES})
endfunction ()

# emp_module (<file.c> DIRECTORY <folder>): a shared object <file>.so that is linked to nothing of ours; its emp_ symbols
# come from the program that loads it.
function (emp_module source)
    cmake_parse_arguments (arg "" "DIRECTORY" "" ${ARGN})
    cmake_path (GET source STEM stem)
    cmake_path (GET arg_DIRECTORY FILENAME set)
    set (name "${set}-${stem}")
    add_library (${name} MODULE "${source}")
    set_target_properties (${name} PROPERTIES PREFIX "" SUFFIX ".so" OUTPUT_NAME "${stem}" C_VISIBILITY_PRESET default
                           LIBRARY_OUTPUT_DIRECTORY "${arg_DIRECTORY}")
    target_include_directories (${name} PRIVATE "${EMP_INCLUDE_DIR}" ${MSGPACK_INCLUDE_DIRS})
    # The entry functions of a module have no prototype: who calls them knows them by name.
    target_compile_options (${name} PRIVATE ${EMP_WARNINGS} -Wno-missing-prototypes)
    target_link_libraries (${name} PRIVATE Threads::Threads m)
    set_property (GLOBAL APPEND PROPERTY "EMP_MODULES_${set}" ${name})
endfunction ()

# emp_user_program (<name> <file.c>): a manager program as a user writes it, on the shared library.
function (emp_user_program name source)
    add_executable (${name} "${source}")
    target_compile_options (${name} PRIVATE ${EMP_WARNINGS})
    target_link_libraries (${name} PRIVATE eisenmp Threads::Threads m)
endfunction ()

# emp_example_program (<name> <file.c>): one of the examples'.
function (emp_example_program name source)
    emp_user_program (${name} "${source}")
    set_target_properties (${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${EMP_BIN_DIR}")
    set_property (GLOBAL APPEND PROPERTY EMP_EXAMPLES ${name})
endfunction ()

# emp_programs_target (<name>): what one needs to run something: programs, examples and their modules.
function (emp_programs_target name)
    add_custom_target (${name})
    foreach (kind PROGRAMS EXAMPLES MODULES_eisenmp)
        get_property (targets GLOBAL PROPERTY EMP_${kind})
        if (targets)
            add_dependencies (${name} ${targets})
        endif ()
    endforeach ()
endfunction ()
