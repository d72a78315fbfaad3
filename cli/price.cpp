// SPDX-License-Identifier: Apache-2.0
// etude-sim price: a finished run under another energy table, from its counters, without
// simulating.
#include "run/plan/price.h"

#include <unistd.h>

#include <iostream>
#include <memory>

#include "cli/commands.h"
#include "models/base/error.h"
#include "sim/report/report.h"

namespace etude::cli {
namespace {

struct PriceArguments {
  std::string folder;
  std::vector<std::string> sets;
  bool json = false;
};

void price_run(const PriceArguments& arguments) {
  const nlohmann::ordered_json result = run::price_folder(arguments.folder, arguments.sets);
  std::string text;
  try {
    text = arguments.json ? result.dump(1) + "\n"
                          : terminal_report(result, isatty(STDOUT_FILENO) != 0);
  } catch (const nlohmann::json::exception&) {
    throw UserError(arguments.folder + "/result.json", "not a result of this version",
                    "run the configuration again");
  }
  std::cout << text;
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
  command->callback([a, &status] {
    price_run(*a);
    status = 0;
  });
}

}  // namespace etude::cli
