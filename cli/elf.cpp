// SPDX-License-Identifier: Apache-2.0
// etude-sim elf: any bare-metal RV32 program on the modelled cores.
#include "run/bench/elf.h"

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "cli/commands.h"
#include "cli/outputs.h"
#include "models/base/error.h"
#include "models/base/system_error.h"
#include "run/bench/elf_report.h"

namespace etude::cli {
namespace {

struct ElfArguments : run::ElfRequest {
  std::string engine = "fast";
  bool json = false;
  bool quiet = false;
  std::string trace;
  std::string checks;
  std::optional<unsigned> log_hart;
};

/// A whole number from `first` on; text that is no such number at all is left to CLI11.
CLI::Validator from(std::int64_t first) {
  return {[first](const std::string& text) {
            std::int64_t number = first;
            std::from_chars(text.data(), text.data() + text.size(), number);
            return number >= first ? ""
                                   : "is " + text + "; give a whole number from " +
                                         std::to_string(first) + " on";
          },
          ""};
}

/// Where --trace writes: the file that it names, else one beside the profile, else one called as
/// the program in the current folder.
std::string trace_file(const ElfArguments& arguments) {
  const std::filesystem::path folder = arguments.profile_folder;
  return arguments.trace.empty() || arguments.trace != "true" ? arguments.trace
         : folder.empty() ? std::filesystem::path(arguments.file).stem().string() + ".pftrace"
                          : (folder / "trace.pftrace").string();
}

int run(ElfArguments arguments) {
  arguments.profile = !arguments.json && !arguments.quiet;
  arguments.trace_file = trace_file(arguments);
  arguments.log_range.hart = arguments.log_hart;
  arguments.check = !arguments.checks.empty();
  arguments.check_file = arguments.checks == "true" ? "" : arguments.checks;
  check_outputs(
      {{"the program", arguments.file, {}}},
      {{"--profile", arguments.profile_folder, {"callgrind.out", "stacks.txt", "profile.json"}}},
      {{"--trace", arguments.trace_file, {}},
       {"--check", arguments.check_file, {}},
       {"--insn", arguments.log_file, {}}});
  if (arguments.log_range.from > arguments.log_range.to) {
    throw UserError("--insn-from", "is behind --insn-to", "no cycle lies between them");
  }
  // With --json the account owns stdout; else the console, and the report is on stderr.
  std::ostream& console = arguments.json ? std::cerr : std::cout;
  const run::ProgramResult result = run::run_program(arguments, [&console](char c) {
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
  std::cerr << result.check_text;
  if (!result.check_unwritten.empty()) {
    const std::string& error = result.record.error;
    throw SystemError(result.check_unwritten + (error.empty() ? "" : "; " + error));
  }
  if (!result.record.error.empty()) {
    throw ProgramError(result.record.error);
  }
  if (!arguments.json && !arguments.quiet) {
    std::cerr << run::program_report(result, arguments.file);
  }
  return result.check_errors ? 3 : result.record.exit_status;
}

}  // namespace

void add_elf(CLI::App& app, int& status) {
  auto arguments = std::make_shared<ElfArguments>();
  auto* command =
      app.add_subcommand("elf", "Run a bare-metal RV32 program; exit status is the program's");
  const CLI::Validator named(
      [](const std::string& path) { return std::string(path.empty() ? "is empty" : ""); }, "");
  command->add_option("FILE", arguments->file, "ELF executable")->required();
  command->add_option("--platform", arguments->platform,
                      "platform preset (default by the ELF's memory map)");
  command->add_option("--set", arguments->sets, "/json/pointer=VALUE")->allow_extra_args(false);
  command
      ->add_option("--max-cycles", arguments->max_cycles, "stop with status 3 after so many cycles")
      ->check(from(1));
  command->add_option("--engine", arguments->engine, "fast or lockstep")
      ->check(CLI::IsMember({"fast", "lockstep"}));
  command
      ->add_option(
          "--gdb", arguments->gdb_port,
          "wait for a GDB at this port of 127.0.0.1 (0: a free one) and let it hold the run")
      ->check(CLI::Range(0, 65535));
  command->add_flag("--json", arguments->json, "print the account as one JSON line");
  command->add_flag("--quiet", arguments->quiet, "no report on stderr");
  command
      ->add_option("--profile", arguments->profile_folder,
                   "write callgrind.out, stacks.txt and profile.json into this folder")
      ->check(named);
  // Flags take a value behind = alone: what follows them is the program.
  command->add_flag("--trace", arguments->trace,
                    "write a timeline for ui.perfetto.dev: --trace=FILE, else PROGRAM.pftrace");
  command->add_flag(
      "--check", arguments->checks,
      "look for races, uninitialised reads, accesses out of bounds: --check=FILE.json "
      "writes what is found; status 3 if there are errors");
  auto* log = command
                  ->add_option("--insn", arguments->log_file,
                               "write a line for each retired instruction into this file")
                  ->check(named);
  command->add_option("--insn-core", arguments->log_hart, "of this core alone")
      ->needs(log)
      ->check(from(0));
  command->add_option("--insn-from", arguments->log_range.from, "from this cycle on")
      ->needs(log)
      ->check(from(0));
  command->add_option("--insn-to", arguments->log_range.to, "to this cycle")
      ->needs(log)
      ->check(from(0));
  command->callback([arguments, &status] {
    arguments->lockstep = arguments->engine == "lockstep";
    arguments->tell = [](const std::string& line) { std::cerr << "gdb: " << line << std::endl; };
    status = run(*arguments);
  });
}

}  // namespace etude::cli
