// SPDX-License-Identifier: Apache-2.0
// A line for each configuration with a digest of all that it is lowered to (task list, memory
// images, places, figures): program_hashes FILE... as they are, program_hashes --random COUNT SEED
// FILE... with random hardware, method, batch and home. Two builds whose lines are equal make equal
// programs. What is refused shows its line.
#include <cstdint>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "models/base/error.h"
#include "run/plan/plan.h"
#include "sim/config/load.h"
#include "tests/support/program_digest.h"

namespace {
using namespace etude;

std::string line_of(const std::string& file, const std::vector<std::string>& sets) {
  std::string line = file;
  for (const std::string& set : sets) {
    line += " " + set;
  }
  try {
    std::vector<std::string> warnings;
    const run::Plan plan(load_config(file, sets, warnings));
    line += ": " + std::to_string(test::digest_of(plan.program())) + " " +
            std::to_string(test::digest_of(plan.images())) + " " +
            std::to_string(plan.program().tasks.operations.size()) + " operations";
  } catch (const UserError& error) {
    line += ": " + std::string(error.what());
  }
  return line;
}

/// Values of keys that a step is lowered by.
std::vector<std::string> random_sets(std::mt19937_64& random) {
  std::vector<std::string> sets;
  const auto one_of = [&](const char* pointer, const std::vector<const char*>& values) {
    const char* value = values[random() % values.size()];
    if (*value != '\0') {
      sets.push_back(std::string(pointer) + "=" + value);
    }
  };
  one_of("/workload/batch", {"", "", "1", "2", "4"});
  one_of("/workload/home", {"", "", "l2", "extmem", "auto"});
  one_of("/train/method", {"", "", "", "", "", "full"});
  one_of("/train/rank", {"", "2", "4", "8", "16"});
  one_of("/train/optimizer", {"", "", "", "momentum", "adam"});
  one_of("/platform/cluster/tcdm/size", {"65536", "98304", "131072", "262144", "524288"});
  one_of("/platform/l2/size", {"524288", "1048576", "1572864", "2097152", "4194304", "4194304"});
  one_of("/platform/cluster/clock_hz", {"200e6", "300e6", "400e6"});
  one_of("/platform/cluster/redmule/height", {"2", "4", "8"});
  one_of("/platform/cluster/redmule/width", {"4", "8", "12", "16"});
  one_of("/platform/cluster/redmule/pipe", {"1", "3"});
  one_of("/platform/cluster/redmule/enabled", {"", "", "", "false"});
  one_of("/platform/cluster/dma/engine", {"", "", "idma"});
  one_of("/platform/cluster/cores", {"", "", "4", "1"});
  one_of("/platform/cluster/tcdm/banks", {"32"});
  one_of("/schedule/policy", {"", "", "", "", "", "sqrt", "greedy"});
  return sets;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> files(argv + 1, argv + argc);
  if (files.size() < 4 || files.front() != "--random") {
    for (const std::string& file : files) {
      std::cout << line_of(file, {}) << "\n";
    }
    return 0;
  }
  const unsigned long count = std::stoul(files[1]);
  std::mt19937_64 random(std::stoull(files[2]));
  files.erase(files.begin(), files.begin() + 3);
  for (unsigned long i = 0; i < count; ++i) {
    for (const std::string& file : files) {
      std::cout << line_of(file, random_sets(random)) << "\n" << std::flush;
    }
  }
  return 0;
}
