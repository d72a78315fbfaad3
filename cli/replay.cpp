// SPDX-License-Identifier: Apache-2.0
// etude-sim replay: recorded RTL traffic against the models.
#include "run/bench/replay.h"

#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"

namespace etude::cli {
namespace {

struct Options {
  std::string file;
  std::optional<unsigned> invert;
  std::optional<unsigned> max_stall;
  bool json = false;
};

void print_hci(const Options& options) {
  const run::HciReplay r = run::replay_hci(options.file, options.invert, options.max_stall);
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

void print_dma(const Options& options) {
  const run::DmaReplay r = run::replay_dma(options.file);
  run::DmaReplayEngine all;
  nlohmann::ordered_json engines = nlohmann::ordered_json::object();
  for (const auto& [name, e] : r.by_engine) {
    all.completions += e.completions;
    all.different += e.different;
    all.max_error = std::max(all.max_error, e.max_error);
    engines[name] = {
        {"completions", e.completions}, {"different", e.different}, {"max_error", e.max_error}};
  }
  if (options.json) {
    std::cout << nlohmann::ordered_json{{"completions", all.completions},
                                        {"different", all.different},
                                        {"max_error", all.max_error},
                                        {"by_engine", engines}}
                     .dump()
              << '\n';
    return;
  }
  for (const auto& [name, e] : r.by_engine) {
    std::cout << name << ": " << e.completions << " transfers, " << e.different
              << " different, at most " << e.max_error << " cycles off\n";
  }
  for (const std::string& line : r.differences) {
    std::cout << line << '\n';
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

  auto* dma = replay->add_subcommand("dma", "DMA transfers: launch and completion of each");
  dma->add_option("CSV", options->file, "File of transfers")->required();
  dma->add_flag("--json", options->json, "Print one JSON object");
  dma->callback([options, &status] {
    print_dma(*options);
    status = 0;
  });
}

}  // namespace etude::cli
