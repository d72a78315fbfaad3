# SPDX-License-Identifier: Apache-2.0
# Highs::highs, the MILP solver by its C interface: from the Python package highsbox of the source tree's .venv
# (scripts/setup.sh), else of the environment that pip builds in, else where Highs_ROOT or CMAKE_PREFIX_PATH point, else the system's. With
# Highs_LIBRARY_DIR (an installed etude names its own) the library alone is looked for.
set(_highs_wheels)
if(NOT Highs_LIBRARY_DIR)
  file(GLOB _highs_wheels LIST_DIRECTORIES true
       ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/highsbox/highs_dist)
  find_path(Highs_INCLUDE_DIR interfaces/highs_c_api.h HINTS ${_highs_wheels} PATH_SUFFIXES include/highs highs highsbox/highs_dist/include/highs)
  set(_highs_headers Highs_INCLUDE_DIR)
endif()
find_library(Highs_LIBRARY highs HINTS ${Highs_LIBRARY_DIR} ${_highs_wheels} PATH_SUFFIXES lib highsbox/highs_dist/lib)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Highs REQUIRED_VARS Highs_LIBRARY ${_highs_headers}
                                  REASON_FAILURE_MESSAGE "run scripts/setup.sh, or set Highs_ROOT")
if(Highs_FOUND AND NOT TARGET Highs::highs)
  add_library(Highs::highs UNKNOWN IMPORTED)
  set_target_properties(Highs::highs PROPERTIES IMPORTED_LOCATION ${Highs_LIBRARY})
  if(_highs_headers)
    set_target_properties(Highs::highs PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${Highs_INCLUDE_DIR})
  endif()
endif()
unset(_highs_wheels)
unset(_highs_headers)
