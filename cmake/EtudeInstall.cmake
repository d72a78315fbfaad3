# SPDX-License-Identifier: Apache-2.0
# cmake --install: the program with what it reads, and the package `etude` of all that etude_library() made.
include_guard()
include(CMakePackageConfigHelpers)

install(TARGETS etude-sim RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
# The solver's library goes with the program: where it was found is no place that lasts.
set(ETUDE_INSTALL_HIGHSDIR ${CMAKE_INSTALL_LIBDIR}/etude)
file(REAL_PATH ${Highs_LIBRARY} highs_file)
install(FILES ${highs_file} DESTINATION ${ETUDE_INSTALL_HIGHSDIR})
file(RELATIVE_PATH to_highs /${CMAKE_INSTALL_BINDIR} /${ETUDE_INSTALL_HIGHSDIR})
set_property(TARGET etude-sim APPEND PROPERTY INSTALL_RPATH $ORIGIN/${to_highs})
# Configurations name recordings and weights relative to themselves (../workloads/data).
install(DIRECTORY ${PROJECT_SOURCE_DIR}/configs DESTINATION ${ETUDE_INSTALL_DATADIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/workloads/data DESTINATION ${ETUDE_INSTALL_DATADIR}/workloads)

install(EXPORT etudeTargets NAMESPACE etude:: DESTINATION ${ETUDE_INSTALL_CMAKEDIR})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/etudeConfig.cmake.in ${PROJECT_BINARY_DIR}/etudeConfig.cmake
                              INSTALL_DESTINATION ${ETUDE_INSTALL_CMAKEDIR} PATH_VARS ETUDE_INSTALL_DATADIR ETUDE_INSTALL_HIGHSDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/etudeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/etudeConfig.cmake ${PROJECT_BINARY_DIR}/etudeConfigVersion.cmake
              ${PROJECT_SOURCE_DIR}/cmake/EtudeDependencies.cmake ${PROJECT_SOURCE_DIR}/cmake/FindSystemC.cmake
              ${PROJECT_SOURCE_DIR}/cmake/FindLibZip.cmake ${PROJECT_SOURCE_DIR}/cmake/FindLibDw.cmake
              ${PROJECT_SOURCE_DIR}/cmake/FindOnnxProto.cmake
              ${PROJECT_SOURCE_DIR}/cmake/FindHighs.cmake
        DESTINATION ${ETUDE_INSTALL_CMAKEDIR})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
