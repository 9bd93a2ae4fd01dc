# SPDX-License-Identifier: BSD-3-Clause
#
# What `cmake --install` puts where: programs, the library with its header, pkg-config and CMake package files, and the
# worker modules of the examples, and the examples themselves.

include (CMakePackageConfigHelpers)

get_property (programs GLOBAL PROPERTY EMP_PROGRAMS)
get_property (modules GLOBAL PROPERTY EMP_MODULES_eisenmp)

install (TARGETS ${programs} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
# lib, whatever the machine's own folder of libraries is called: programs look in ../lib/eisenmp from where they are.
install (TARGETS ${modules} LIBRARY DESTINATION "lib/eisenmp")
# The examples to look at and to run: `eisenmp examples` looks in ../share/eisenmp/examples from where it is.
install (DIRECTORY examples/ DESTINATION "share/eisenmp/examples" USE_SOURCE_PERMISSIONS PATTERN CMakeLists.txt EXCLUDE
         PATTERN revised.csv EXCLUDE) # what csv/make-revised makes
install (TARGETS eisenmp EXPORT eisenmpTargets LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install (FILES common/eisenmp.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install (FILES LICENSE README.md SECURITY.md CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")

set (package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/eisenmp")
install (EXPORT eisenmpTargets NAMESPACE eisenmp:: DESTINATION "${package_dir}")
configure_package_config_file (cmake/eisenmpConfig.cmake.in "${PROJECT_BINARY_DIR}/eisenmpConfig.cmake"
                               INSTALL_DESTINATION "${package_dir}" PATH_VARS CMAKE_INSTALL_BINDIR)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file ("${PROJECT_BINARY_DIR}/eisenmpConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install (FILES "${PROJECT_BINARY_DIR}/eisenmpConfig.cmake" "${PROJECT_BINARY_DIR}/eisenmpConfigVersion.cmake"
         DESTINATION "${package_dir}")

file (RELATIVE_PATH EMP_PC_TO_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file (cmake/eisenmp.pc.in "${PROJECT_BINARY_DIR}/eisenmp.pc" @ONLY)
install (FILES "${PROJECT_BINARY_DIR}/eisenmp.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
