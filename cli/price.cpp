// SPDX-License-Identifier: Apache-2.0
// etude-sim price: a finished run under another energy table, from its counters, without
// simulating.
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <memory>

#include "cli/commands.h"
#include "models/base/error.h"
#include "sim/config/json_file.h"
#include "sim/config/load.h"
#include "sim/report/report.h"
#include "sim/report/result.h"

namespace etude::cli {
namespace {

struct PriceArguments {
  std::string folder;
  std::vector<std::string> sets;
  bool json = false;
};

int price_run(const PriceArguments& arguments) {
  const std::filesystem::path folder = arguments.folder;
  const RootConfig config =
      load_for_pricing((folder / "config.resolved.json").string(), arguments.sets);
  Json result = read_json_file(folder / "result.json");
  std::string text;
  try {
    price_again(result, config.platform, config.energy);
    text = arguments.json ? result.dump(1) + "\n"
                          : terminal_report(result, isatty(STDOUT_FILENO) != 0);
  } catch (const nlohmann::json::exception&) {
    throw UserError((folder / "result.json").string(), "not a result of this version",
                    "run the configuration again");
  }
  std::cout << text;
  return 0;
}
}  // namespace

void add_price(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("price", "Price a finished run again, without simulating");
  auto a = std::make_shared<PriceArguments>();
  command->add_option("folder", a->folder, "Folder of the results")->required();
  command
      ->add_option("--set", a->sets,
                   "/energy=FILE.json, /energy/supply_v=VALUE or any coefficient's value")
      ->allow_extra_args(false);
  command->add_flag("--json", a->json, "Print result.json with the new energy");
  command->callback([a, &status] { status = price_run(*a); });
}

void add_schedule(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("schedule", "Find what to keep, recompute and page");
  command->allow_extras();
  command->callback([] {
    throw UserError("schedule", "not available", "this version runs /schedule/policy keep only");
  });
  (void)status;
}

}  // namespace etude::cli
