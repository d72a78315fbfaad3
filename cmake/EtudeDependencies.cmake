# SPDX-License-Identifier: Apache-2.0
# What the library links: one find_package() line each, without REQUIRED. The build reads this list, and so
# does an outside project through the installed etudeConfig.cmake.
set(ETUDE_DEPENDENCIES
    "SystemC"
    "Threads"
    "OpenSSL COMPONENTS Crypto"
    "nlohmann_json 3.11"
    "Protobuf"
    "LibZip"
    "LibDw"
    "OnnxProto"
    "Highs"
    "SQLite3")
