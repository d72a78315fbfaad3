# SPDX-License-Identifier: Apache-2.0
# LibZip::libzip, from its pkg-config file: the library's own CMake package wants its tools installed too.
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(LIBZIP_PC QUIET libzip)
endif()
find_path(LibZip_INCLUDE_DIR zip.h HINTS ${LIBZIP_PC_INCLUDE_DIRS})
find_library(LibZip_LIBRARY zip HINTS ${LIBZIP_PC_LIBRARY_DIRS})
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibZip REQUIRED_VARS LibZip_LIBRARY LibZip_INCLUDE_DIR
                                  VERSION_VAR LIBZIP_PC_VERSION)
if(LibZip_FOUND AND NOT TARGET LibZip::libzip)
  add_library(LibZip::libzip UNKNOWN IMPORTED)
  set_target_properties(LibZip::libzip PROPERTIES
    IMPORTED_LOCATION ${LibZip_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${LibZip_INCLUDE_DIR})
endif()
