// SPDX-License-Identifier: Apache-2.0
// Grants and arbiter state of RTL traces, cycle by cycle, through the command that users have.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/program.h"
#include "tests/support/shared_data.h"

using namespace etude::test;

TEST_CASE("every recorded trace of the interconnect replays without a difference", "[hci]") {
  const auto folder = shared_file("reference/hci_traces");
  int traces = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name[0] == 'g' && entry.path().extension() == ".txt") {
      const ProgramRun run = run_etude_sim("replay hci " + entry.path().string() + " --json");
      INFO(name << ": " << run.text);
      CHECK(run.text == "{\"cycles\":2000,\"different\":0,\"first_difference\":null}\n");
      CHECK(run.status == 0);
      ++traces;
    }
  }
  CHECK(traces > 0);
}

TEST_CASE("the wrong priority is told apart", "[hci]") {
  const auto trace = shared_file("reference/hci_traces/g13_hwpe_i1_m1_mix_gap1.txt");
  for (const char* option : {" --invert 0", " --max-stall 2"}) {
    const ProgramRun run = run_etude_sim("replay hci " + trace.string() + option + " --json");
    CHECK(run.status == 0);
    CHECK(run.text.find("\"different\":0,") == std::string::npos);
    CHECK(run.text.find("\"first_difference\":null") == std::string::npos);
  }
}

TEST_CASE("a broken trace ends with status 2 and names the line", "[hci]") {
  const auto file =
      std::filesystem::temp_directory_path() /
      ("etude_trace_" + std::to_string(std::hash<std::string>{}(binary_dir().string())) + ".txt");
  const std::string good = "0001 0--- 0 0 0001 0 0 0000\n";
  for (const char* bad : {"0001 0--- 0 0 0001 0 0\n", "0001 0--- 0 0 0001 0 0 0000 9\n",
                          "0002 0--- 0 0 0001 0 0 0000\n", "00g1 0--- 0 0 0001 0 0 0000\n",
                          "0001 5--- 0 0 0001 0 0 0000\n", "0001 0---- 0 0 0001 0 0 0000\n",
                          "0001 0--- 2 0 0001 0 0 0000\n", "0001 0--- 1 7 0001 0 0 0000\n",
                          "0010 0--- 0 0 0001 0 0 0000\n"}) {
    std::ofstream(file) << "# id=x\n" << good << bad;
    const ProgramRun run = run_etude_sim("replay hci " + file.string() + " --json");
    INFO(bad << run.text);
    CHECK(run.status == 2);
    CHECK(run.text.find(file.string() + ":3:") != std::string::npos);
    CHECK(std::count(run.text.begin(), run.text.end(), '\n') == 1);
  }
  std::filesystem::remove(file);
  CHECK(run_etude_sim("replay hci " + file.string()).status == 2);
}
