// SPDX-License-Identifier: Apache-2.0
// etude-sim run: a training step on the simulated SoC, checked, priced and reported.
#include "run/execute/run.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include "cli/commands.h"
#include "cli/outputs.h"
#include "models/base/system_error.h"
#include "run/execute/result_files.h"
#include "run/execute/run_model.h"
#include "run/plan/held_signals.h"
#include "run/plan/run_command.h"
#include "sim/config/load.h"
#include "sim/report/report.h"

namespace etude::cli {
namespace {

struct RunArguments {
  std::string config;
  std::vector<std::string> sets;
  std::string out;
  std::string tier, engine;
  bool trace = false;
  std::string check;
  bool no_verify = false;
  bool quiet = false;
  std::optional<int> progress;
};

/// Options that have a key of their own are a --set of it.
std::vector<std::string> all_sets(const RunArguments& arguments) {
  std::vector<std::string> sets = arguments.sets;
  const auto add = [&](const char* assignment, bool wanted) {
    if (wanted) {
      sets.emplace_back(assignment);
    }
  };
  if (!arguments.tier.empty()) {
    sets.push_back("/run/tier=" + arguments.tier);
  }
  if (!arguments.engine.empty()) {
    sets.push_back("/run/engine=" + arguments.engine);
  }
  add("/run/trace=true", arguments.trace);
  add("/run/check=true", !arguments.check.empty());
  add("/run/verify=false", arguments.no_verify);
  return sets;
}

/// Rewrites one line of a terminal; nothing elsewhere.
void show_progress(unsigned over, unsigned all) {
  if (all > 1 && isatty(STDERR_FILENO) != 0) {
    std::cerr << "\rstep " << over << " of " << all << (over == all ? "\n" : "") << std::flush;
  }
}

/// A line for each step that is over, for who watches the run; one that has gone does not matter.
void tell_progress(int descriptor, unsigned over, unsigned all) {
  const std::string line = std::to_string(over) + " " + std::to_string(all) + "\n";
  [[maybe_unused]] const ssize_t written = write(descriptor, line.data(), line.size());
}

const run::ResultFolder* results_of_signal = nullptr;

/// Ctrl-C and kill leave nothing half done behind.
void end_by_signal(int signal) {
  if (results_of_signal != nullptr) {
    results_of_signal->abandon();
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// As long as it lives, a signal that ends the process tidies the folder up.
class TidySignals {
 public:
  explicit TidySignals(const run::ResultFolder& results) {
    results_of_signal = &results;
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
      if (std::signal(signal, end_by_signal) == SIG_IGN) {
        std::signal(signal, SIG_IGN);  // nohup
      }
    }
  }
  /// The folder tidies itself up next: what little is left to do is not interrupted.
  ~TidySignals() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
      std::signal(signal, SIG_IGN);
    }
    results_of_signal = nullptr;
  }
  TidySignals(const TidySignals&) = delete;
  TidySignals& operator=(const TidySignals&) = delete;
};

/// Says on stderr why a whole result is no good one, and returns the exit status.
int outcome(const std::string& config, const CheckFacts& check, const run::Result& result) {
  if (!check.passed) {
    const std::size_t more = check.failures.size() - 1;
    std::cerr << "etude-sim: " << config << ": the numeric check failed: " << check.failures.front()
              << (more == 0 ? "" : " (and " + std::to_string(more) + " more: result.json)") << '\n';
    return 1;
  }
  if (result.diverged != 0) {
    std::cerr << "etude-sim: " << config << ": training diverged: not finite from step "
              << result.diverged << "; give a smaller /train/lr\n";
    return 3;
  }
  return 0;
}

void finish(const RunArguments& arguments, const RootConfig& config, run::Result& result,
            run::ResultFolder& results) {
  result.json["simulator"]["command"] = run::run_command(arguments.config, all_sets(arguments));
  run::finish(results, config, result);
  if (!arguments.quiet) {
    std::cout << terminal_report(result.json, isatty(STDOUT_FILENO) != 0) << "results in "
              << results.path().string() << "\n";
  }
}

int run_in_model_tier(const RunArguments& arguments, RootConfig& config,
                      const run::ExecuteOptions& options, const std::filesystem::path& folder) {
  run::ResultFolder results(folder);
  const TidySignals tidy(results);
  run::Result result = run::run_model(config, options);
  finish(arguments, config, result, results);
  return 0;
}

int run(const RunArguments& arguments) {
  run::ExecuteOptions options;
  options.began = std::chrono::steady_clock::now();
  options.progress = show_progress;
  options.check_file = arguments.check == "true" ? "" : arguments.check;
  if (arguments.progress) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);  // nobody waits for the results of a run without its watcher
    options.progress = [descriptor = *arguments.progress](unsigned over, unsigned all) {
      tell_progress(descriptor, over, all);
    };
  }
  RootConfig config = load_config(arguments.config, all_sets(arguments), options.warnings);
  const std::filesystem::path folder =
      arguments.out.empty()
          ? std::filesystem::path("out") / std::filesystem::path(arguments.config).stem()
          : std::filesystem::path(arguments.out);
  check_outputs({{"the configuration", arguments.config, {}}}, {},
                {{"--check", options.check_file, {}}});
  if (config.run.tier == RunConfig::Tier::kModel) {
    return run_in_model_tier(arguments, config, options, folder);
  }
  run::Run run(std::move(config));
  std::optional<run::HeldSignals> held(std::in_place);
  run::ResultFolder results(folder);
  const TidySignals tidy(results);
  held.reset();
  options.save = [&results](unsigned steps, const NpzArchive& parameters) {
    results.save(steps, parameters);
  };
  run::Result result = run.execute(options);
  finish(arguments, run.config(), result, results);
  std::cerr << result.findings.text;
  if (!result.findings.unwritten.empty()) {
    throw SystemError(result.findings.unwritten);
  }
  const int status = outcome(arguments.config, run.check(), result);
  return status == 0 && result.findings.errors ? 3 : status;
}
}  // namespace

void add_run(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("run", "Run a training step as a configuration says");
  auto a = std::make_shared<RunArguments>();
  command->add_option("config", a->config, "Root configuration (JSON)")->required();
  command->add_option("--set", a->sets, "/json/pointer=VALUE")->allow_extra_args(false);
  command->add_option("--out", a->out, "Folder of the results (default out/<config>)");
  command->add_option("--tier", a->tier, "cycle or model");
  command->add_option("--engine", a->engine, "fast or lockstep");
  command->add_flag("--trace", a->trace, "Write trace.pftrace (Perfetto)");
  command->add_flag("--check", a->check,
                    "Look for races, uninitialised reads, wrong accesses: --check=FILE.json writes "
                    "what is found; status 3 if there are errors");
  command->add_flag("--no-verify", a->no_verify, "Leave out the numeric check");
  command->add_flag("--quiet", a->quiet, "No report");
  command->add_option("--progress-fd", a->progress, "Steps that are over, to a descriptor")
      ->group("");  // of programs that start this one
  command->callback([a, &status] { status = run(*a); });
}

}  // namespace etude::cli
