// SPDX-License-Identifier: Apache-2.0
// Launch and completion of recorded DMA transfers, through the command that users have.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/program.h"
#include "tests/support/shared_data.h"

using namespace etude::test;

TEST_CASE("recorded transfers of both engines are launched and complete in the same cycles",
          "[dma]") {
  const auto file = shared_file("reference/dma_rtl.csv");
  const ProgramRun run = run_etude_sim("replay dma " + file.string() + " --json");
  REQUIRE(run.status == 0);
  const auto result = nlohmann::json::parse(run.text);
  INFO(run.text);
  for (const char* engine : {"mchan", "idma"}) {
    const auto& books = result["by_engine"][engine];
    CHECK(books["completions"].get<int>() > 1000);
    CHECK(books["different"].get<int>() * 100 <= books["completions"].get<int>());
    CHECK(books["max_error"].get<int>() <= 2);
  }
  // MCHAN's queues are known one by one: nothing may differ.
  CHECK(result["by_engine"]["mchan"]["different"] == 0);
}

TEST_CASE("a broken file of transfers ends with status 2 and names the line", "[dma]") {
  const auto file =
      std::filesystem::temp_directory_path() /
      ("etude_dma_" + std::to_string(std::hash<std::string>{}(binary_dir().string())) + ".csv");
  const std::string header = "dma,LR,LW,gap,transfers,launched,done,bursts_read,bursts_write\n";
  const auto run_with = [&](const std::string& text) {
    std::ofstream(file) << text;
    return run_etude_sim("replay dma " + file.string() + " --json");
  };
  const ProgramRun good = run_with(header + "idma,5,5,0,0:R1@1028/65536,0,17,1,0\n");
  CHECK(good.status == 0);
  CHECK(good.text ==
        "{\"completions\":1,\"different\":0,\"max_error\":0,\"by_engine\":{\"idma\":{"
        "\"completions\":1,\"different\":0,\"max_error\":0}}}\n");
  for (const char* bad :
       {"xdma,5,5,0,0:R1@1028/65536,0,17,1,0", "idma,0,5,0,0:R1@1028/65536,0,17,1,0",
        "idma,5,x,0,0:R1@1028/65536,0,17,1,0", "idma,5,5,0,0:R0@1028/65536,0,17,1,0",
        "idma,5,5,0,0:Q1@1028/65536,0,17,1,0", "idma,5,5,0,0:R1@1028/65536,0;1,17,1,0",
        "idma,5,5,0,0:R1@1028/65536,0,1", "mchan,5,5,0,0:R1@1048575/65536,0,17,1,0",
        "mchan,5,5,0,99:R1@1028/65536,0,17,1,0", "idma,5,5,0,0:R30@8/65536e7+9,0,17,1,0"}) {
    const ProgramRun run = run_with(header + bad + "\n");
    INFO(bad << ": " << run.text);
    CHECK(run.status == 2);
    CHECK(run.text.find(file.string() + ":2:") != std::string::npos);
    CHECK(std::count(run.text.begin(), run.text.end(), '\n') == 1);
  }
  CHECK(run_with("a,b\n").status == 2);
  CHECK(run_with("").status == 2);
  CHECK(run_with(header).status == 2);
  std::filesystem::remove(file);
  CHECK(run_etude_sim("replay dma " + file.string()).status == 2);
}
