# SPDX-License-Identifier: Apache-2.0
# etude_library(NAME [SOURCES file...] [DEPS target...]): a static library of the named sources, else of every
#   .cpp of the calling folder; without any, an interface library. NAME is etude_<what>: the library is
#   etude::<what> here and in the installed package, and the headers at and below its folder go with it.
#   Those of ETUDE_BOUND_LIBRARIES are in the Python module too, which wants code for any address.
# etude_suite(NAME DEPS target...): one Catch2 program of every .cpp below tests/NAME.
include_guard()

# Where `cmake --install` puts things, below the prefix.
include(GNUInstallDirs)
set(ETUDE_INSTALL_INCLUDEDIR ${CMAKE_INSTALL_INCLUDEDIR}/etude)
set(ETUDE_INSTALL_DATADIR ${CMAKE_INSTALL_DATADIR}/etude)
set(ETUDE_INSTALL_CMAKEDIR ${CMAKE_INSTALL_LIBDIR}/cmake/etude)

# What python/binding links: all that a configuration, a plan and a price need, nothing that simulates.
set(ETUDE_BOUND_LIBRARIES base isa redmule_control config energy report program npz workloads onnx
    cost operators schedule tiling tape memory feeds emit order lower plan)

function(etude_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  set(sources ${ARG_SOURCES})
  if(NOT sources)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  endif()
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE $<BUILD_INTERFACE:etude_warnings>)
    set(scope PUBLIC)
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${ARG_DEPS})
    set(scope INTERFACE)
  endif()
  target_include_directories(${name} ${scope} $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                             $<INSTALL_INTERFACE:${ETUDE_INSTALL_INCLUDEDIR}>)
  target_compile_features(${name} ${scope} cxx_std_20)
  # Headers compute too: no expression may be contracted in an outside project either.
  target_compile_options(${name} INTERFACE $<INSTALL_INTERFACE:-ffp-contract=off>)

  string(REGEX REPLACE "^etude_" "" exported ${name})
  if(exported IN_LIST ETUDE_BOUND_LIBRARIES AND sources)
    # No function of ours is meant to be replaced at load time: they are inlined as in a program.
    target_compile_options(${name} PRIVATE -fPIC -fno-semantic-interposition)
  endif()
  add_library(etude::${exported} ALIAS ${name})
  set_target_properties(${name} PROPERTIES EXPORT_NAME ${exported})
  install(TARGETS ${name} EXPORT etudeTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  file(RELATIVE_PATH room ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/ DESTINATION ${ETUDE_INSTALL_INCLUDEDIR}/${room}
          FILES_MATCHING PATTERN "*.h" PATTERN "*.def")
endfunction()

function(etude_suite name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(${name}_tests ${sources})
  target_link_libraries(${name}_tests PRIVATE ${ARG_DEPS} etude_catch_main etude_warnings)
  catch_discover_tests(${name}_tests TEST_PREFIX "${name}/" DISCOVERY_MODE PRE_TEST
                       PROPERTIES LABELS ${name} SKIP_RETURN_CODE 4)
endfunction()
