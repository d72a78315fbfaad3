# SPDX-License-Identifier: Apache-2.0
# Debian's SystemC ships a pkg-config file only, and its API symbol carries the C++ standard it was
# built with (C++17), so every user must define SC_CPLUSPLUS=201703L whatever standard it compiles with.
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(SYSTEMC_PC QUIET systemc)
endif()
find_path(SystemC_INCLUDE_DIR systemc HINTS ${SYSTEMC_PC_INCLUDE_DIRS})
find_library(SystemC_LIBRARY systemc HINTS ${SYSTEMC_PC_LIBRARY_DIRS})
set(SystemC_VERSION ${SYSTEMC_PC_VERSION})
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(SystemC REQUIRED_VARS SystemC_LIBRARY SystemC_INCLUDE_DIR
                                  VERSION_VAR SystemC_VERSION)
if(SystemC_FOUND AND NOT TARGET SystemC::systemc)
  add_library(SystemC::systemc UNKNOWN IMPORTED)
  set_target_properties(SystemC::systemc PROPERTIES
    IMPORTED_LOCATION ${SystemC_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${SystemC_INCLUDE_DIR}
    INTERFACE_COMPILE_DEFINITIONS SC_CPLUSPLUS=201703L)
endif()
