// SPDX-License-Identifier: Apache-2.0
// Catch2's main is compiled once, here; SystemC's banner and info messages are silenced for every
// suite.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <cstdlib>
#include <systemc>

#include "tests/support/skip.h"

int sc_main(int, char**) { return 0; }

int main(int argc, char** argv) {
  setenv("SC_COPYRIGHT_MESSAGE", "DISABLE", 1);
  sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
  return etude::test::suite_status(Catch::Session().run(argc, argv));
}
