// SPDX-License-Identifier: Apache-2.0
// run_step CONFIG: one line of what the training step of a configuration takes.
#include <iostream>
#include <systemc>

#include "run/execute/run.h"
#include "sim/config/load.h"

int sc_main(int argc, char** argv) {
  std::vector<std::string> warnings;
  etude::run::Run run(etude::load_config(argc > 1 ? argv[1] : "deep_ae.json", {}, warnings));
  const etude::run::Result result = run.execute();
  std::cout << result.json.at("step").at("cycles") << " cycles, "
            << result.json.at("step").at("energy_j") << " J, checked: " << run.check().passed
            << "\n";
  return run.check().passed ? 0 : 1;
}
