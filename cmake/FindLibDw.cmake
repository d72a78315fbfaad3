# SPDX-License-Identifier: Apache-2.0
# LibDw::libdw of elfutils: reads the line tables of programs.
find_path(LibDw_INCLUDE_DIR elfutils/libdw.h)
find_library(LibDw_LIBRARY dw)
find_library(LibDw_ELF_LIBRARY elf)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibDw REQUIRED_VARS LibDw_LIBRARY LibDw_ELF_LIBRARY LibDw_INCLUDE_DIR)
if(LibDw_FOUND AND NOT TARGET LibDw::libdw)
  add_library(LibDw::libdw UNKNOWN IMPORTED)
  set_target_properties(LibDw::libdw PROPERTIES
    IMPORTED_LOCATION ${LibDw_LIBRARY}
    INTERFACE_LINK_LIBRARIES ${LibDw_ELF_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${LibDw_INCLUDE_DIR})
endif()
