// SPDX-License-Identifier: Apache-2.0
// etude-sim replay: recorded RTL traffic against the models.
#include "sim/cli/replay.h"

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "sim/cli/commands.h"

namespace etude::cli {
namespace {

struct Options {
  std::string file;
  std::optional<unsigned> invert;
  std::optional<unsigned> max_stall;
  bool json = false;
};

void print_hci(const Options& options) {
  const HciReplay r = replay_hci(options.file, options.invert, options.max_stall);
  if (options.json) {
    const nlohmann::ordered_json first =
        r.first_difference ? nlohmann::ordered_json(*r.first_difference) : nullptr;
    std::cout << nlohmann::ordered_json{{"cycles", r.cycles},
                                        {"different", r.different},
                                        {"first_difference", first}}
                     .dump()
              << '\n';
    return;
  }
  std::cout << r.cycles << " cycles, " << r.different << " different\n";
  if (r.first_difference) {
    std::cout << "first difference in cycle " << *r.first_difference << ": " << r.first_text
              << '\n';
  }
}

}  // namespace

void add_replay(CLI::App& app, int& status) {
  auto* replay = app.add_subcommand("replay", "Compare a model with recorded RTL traffic");
  replay->require_subcommand(1);

  auto options = std::make_shared<Options>();
  auto* hci = replay->add_subcommand("hci", "Arbitration of the shared memory: every grant");
  hci->add_option("TRACE", options->file, "Trace of requests and grants")->required();
  hci->add_option("--invert", options->invert, "1 = the accelerator has the high side")
      ->check(CLI::Range(0, 1));
  hci->add_option("--max-stall", options->max_stall, "Longest wait of the low side (0 = no limit)")
      ->check(CLI::Range(0, 255));
  hci->add_flag("--json", options->json, "Print one JSON object");
  hci->callback([options, &status] {
    print_hci(*options);
    status = 0;
  });
}

}  // namespace etude::cli
