// SPDX-License-Identifier: Apache-2.0
// etude-sim elf: any bare-metal RV32 program on the modelled cores.
#include "run/bench/elf.h"

#include <iostream>
#include <memory>

#include "cli/commands.h"
#include "models/base/error.h"

namespace etude::cli {
namespace {

struct ElfArguments : run::ElfRequest {
  std::string engine = "fast";
  bool json = false;
};

int run(const ElfArguments& arguments) {
  // With --json the report owns stdout.
  std::ostream& console = arguments.json ? std::cerr : std::cout;
  const ElfResult result = run::run_program(arguments, [&console](char c) {
    console.put(c);
    if (c == '\n') {
      console.flush();  // a program may run for long
    }
  });
  console.flush();
  for (const std::string& warning : result.record.warnings) {
    std::cerr << "warning: " << warning << '\n';
  }
  if (arguments.json) {
    std::cout << run::program_json(result).dump() << '\n';
  }
  if (!result.record.error.empty()) {
    throw ProgramError(result.record.error);
  }
  return result.record.exit_status;
}

}  // namespace

void add_elf(CLI::App& app, int& status) {
  auto arguments = std::make_shared<ElfArguments>();
  auto* command =
      app.add_subcommand("elf", "Run a bare-metal RV32 program; exit status is the program's");
  command->add_option("FILE", arguments->file, "ELF executable")->required();
  command->add_option("--platform", arguments->platform,
                      "platform preset (default by the ELF's memory map)");
  command->add_option("--set", arguments->sets, "/json/pointer=VALUE")->allow_extra_args(false);
  command->add_option("--max-cycles", arguments->max_cycles,
                      "stop with status 3 after so many cycles");
  command->add_option("--engine", arguments->engine, "fast or lockstep")
      ->check(CLI::IsMember({"fast", "lockstep"}));
  command->add_flag("--json", arguments->json, "print the account as one JSON line");
  command->callback([arguments, &status] {
    arguments->lockstep = arguments->engine == "lockstep";
    status = run(*arguments);
  });
}

}  // namespace etude::cli
