// SPDX-License-Identifier: Apache-2.0
// etude-sim run: a training step on the simulated SoC, checked, priced and reported.
#include "sim/engine/run.h"

#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <optional>

#include "cli/commands.h"
#include "models/base/error.h"
#include "run/execute/chain_replay.h"
#include "run/execute/numeric_check.h"
#include "run/execute/passes.h"
#include "run/execute/run_timeline.h"
#include "run/plan/program_images.h"
#include "run/plan/training_setup.h"
#include "sim/config/load.h"
#include "sim/report/report.h"
#include "sim/report/result.h"

namespace etude::cli {
namespace {
namespace fs = std::filesystem;
using Reader = std::function<std::vector<std::uint8_t>(Address, Bytes)>;

struct RunArguments {
  std::string config;
  std::vector<std::string> sets;
  std::string out;
  std::string tier, engine;
  bool trace = false;
  bool check = false;
  bool no_verify = false;
  bool quiet = false;
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
  add("/run/check=true", arguments.check);
  add("/run/verify=false", arguments.no_verify);
  return sets;
}

/// Refuses a folder that could not be written, without touching it.
void check_folder(const fs::path& folder) {
  std::error_code error;
  fs::path there = fs::absolute(folder);
  while (!fs::exists(there, error) && there.has_relative_path()) {
    there = there.parent_path();
  }
  if (!fs::is_directory(there, error) || access(there.c_str(), W_OK) != 0) {
    throw UserError("--out " + folder.string(),
                    there.string() + " is no folder that can be written", "give another folder");
  }
}

void write_text(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  if (!(out << text) || !out.flush()) {
    throw UserError(file.string(), "cannot be written", "give --out a folder that can");
  }
}

std::vector<float> floats(const std::vector<std::uint8_t>& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

/// Follows a run from step to step: feeds inputs, checks numbers, keeps what the user gets.
class Observer {
 public:
  Observer(const TrainingSetup& setup, const RootConfig& config)
      : setup_(setup),
        values_(setup.start()),
        show_(isatty(STDERR_FILENO) != 0),
        steps_(config.train.steps),
        save_every_(config.run.save_every),
        passes_(setup.passes_per_step()),
        check_(setup.training(), setup.workload().update,
               config.train.precision == TrainConfig::Precision::kMixedFp16),
        chains_(setup.program(), config.platform.cluster.redmule),
        verify_(config.run.verify) {
    check_.begin_step(0, values_);
  }

  void attach(Job& job) {
    job.before_step = [this](unsigned step) { return before_step(step); };
    const auto gradients = static_cast<std::uint32_t>(setup_.program().probes.size());
    if (verify_) {
      for (const Probe& probe : chains_.probes(gradients)) {
        job.probes.push_back(probe);
      }
    }
    job.on_probe = [this, gradients](unsigned step, const Probe& probe,
                                     const std::vector<std::uint8_t>& bytes) {
      if (probe.tag >= gradients) {
        chains_.take(step, probe.tag - gradients, bytes);
        return;
      }
      const TensorProbe& piece = setup_.program().probes.at(probe.tag);
      check_.gradient(piece.tensor, piece.tensor_offset.raw(), piece.tensor_pitch.raw(), probe.rows,
                      bytes);
    };
    job.after_step = [this](unsigned step, const Reader& read) { after_step(step, read); };
  }

  const std::vector<double>& losses() const { return losses_; }
  CheckFacts facts() const {
    if (!verify_) {
      return {};
    }
    CheckFacts facts = check_.facts();
    facts.redmule_jobs = chains_.compared();
    facts.passed = facts.passed && chains_.failures().empty();
    facts.failures.insert(facts.failures.end(), chains_.failures().begin(),
                          chains_.failures().end());
    return facts;
  }

  /// Trained parameters by name each time /run/save_every steps were over, by number of steps.
  const std::map<unsigned, NpzArchive>& saved() const { return saved_; }

  /// Updated parameters, loss and gradients by name, of the last step.
  NpzArchive outputs() const {
    NpzArchive archive;
    const Graph& graph = setup_.training().graph;
    archive["loss"] = NpyArray::from_float32({}, {static_cast<float>(losses_.back())});
    for (const auto& [name, tensor] : setup_.workload().outputs) {
      const Shape& shape = graph.tensor(tensor).shape;
      if (tensor == setup_.training().loss) {
        archive[name] = NpyArray::from_float32(shape, {static_cast<float>(losses_.back())});
      } else if (gradients_.contains(tensor)) {
        archive[name] = NpyArray::from_float32(shape, gradient(tensor));
      } else {
        archive[name] = NpyArray::from_float32(shape, values_.at(tensor));
      }
    }
    if (!setup_.workload().outputs.empty()) {
      return archive;
    }
    for (const auto* places : {&setup_.program().parameters, &setup_.program().states}) {
      for (const TensorPlace& place : *places) {
        archive[place.name] = NpyArray::from_float32(place.shape, values_.at(place.tensor));
      }
    }
    for (const auto& [id, sums] : gradients_) {
      archive[graph.tensor(id).name] = NpyArray::from_float32(graph.tensor(id).shape, gradient(id));
    }
    return archive;
  }

 private:
  /// The mean over the step's passes, without the scale of the loss.
  std::vector<float> gradient(TensorId id) const {
    std::vector<float> values = gradients_.at(id);
    const auto scale = static_cast<float>(setup_.workload().update.loss_scale * passes_);
    for (float& value : values) {
      value /= scale;
    }
    return values;
  }

  std::vector<MemoryImage> before_step(unsigned pass) {
    setup_.take_inputs_of(pass, values_);
    check_.begin_step(pass, values_);
    std::vector<MemoryImage> images;
    for (ProgramImage& image : input_images(setup_.program(), values_)) {
      images.push_back({image.address, std::move(image.bytes)});
    }
    for (MemoryImage& image : setup_.rate_images(pass)) {
      images.push_back(std::move(image));  // behind the list that the inputs' images may renew
    }
    return images;
  }

  void after_step(unsigned pass, const Reader& read) {
    for (const auto* places : {&setup_.program().parameters, &setup_.program().states}) {
      for (const TensorPlace& place : *places) {
        values_.at(place.tensor) = floats(read(place.address, place.bytes));
      }
    }
    const TensorPlace& place = setup_.program().loss;
    const double loss = floats(read(place.address, place.bytes)).at(0);
    if (verify_) {
      check_.end_step(loss, values_);
    }
    loss_sum_ += loss;
    add_gradients(pass % passes_ == 0);
    if ((pass + 1) % passes_ == 0) {
      end_step((pass + 1) / passes_);
    }
  }

  /// What the passes of a step say together.
  void add_gradients(bool first) {
    for (const auto& [id, values] : check_.gradients()) {
      std::vector<float>& sum = gradients_[id];
      if (first) {
        sum = values;
        continue;
      }
      for (std::size_t i = 0; i < values.size(); ++i) {
        sum[i] += values[i];
      }
    }
  }

  void end_step(unsigned steps) {
    losses_.push_back(loss_sum_ / passes_);
    loss_sum_ = 0;
    if (save_every_ != 0 && steps % save_every_ == 0) {
      save(steps);
    }
    if (show_ && steps_ > 1) {
      std::cerr << "\rstep " << steps << " of " << steps_ << (steps == steps_ ? "\n" : "")
                << std::flush;
    }
  }

  void save(unsigned steps) {
    const Graph& graph = setup_.training().graph;
    for (const TensorId id : setup_.training().trained()) {
      saved_[steps][graph.tensor(id).name] =
          NpyArray::from_float32(graph.tensor(id).shape, values_.at(id));
    }
  }

  const TrainingSetup& setup_;
  StartValues values_;  ///< as the simulated memory has them
  bool show_;
  unsigned steps_;
  unsigned save_every_;
  unsigned passes_;
  NumericCheck check_;
  ChainReplay chains_;
  bool verify_;
  std::map<TensorId, std::vector<float>> gradients_;  ///< of a step: sums over its passes
  double loss_sum_ = 0;
  std::vector<double> losses_;
  std::map<unsigned, NpzArchive> saved_;
};

void write_results(const fs::path& folder, const Json& result, const RootConfig& config,
                   const Observer& observer) {
  std::error_code error;
  fs::create_directories(folder, error);
  write_text(folder / "config.resolved.json", resolved_json(config));
  write_npz(folder / "outputs.npz", observer.outputs());
  if (!observer.saved().empty()) {
    fs::create_directories(folder / "steps", error);
  }
  for (const auto& [steps, archive] : observer.saved()) {
    write_npz(folder / "steps" / (std::to_string(steps) + ".npz"), archive);
  }
  write_text(folder / "result.json", result.dump(1) + "\n");
}

int run(const RunArguments& arguments) {
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::string> warnings;
  const RootConfig config = load_config(arguments.config, all_sets(arguments), warnings);
  const fs::path folder = arguments.out.empty()
                              ? fs::path("out") / fs::path(arguments.config).stem()
                              : fs::path(arguments.out);
  check_folder(folder);
  const TrainingSetup setup(config);
  Observer observer(setup, config);
  Job job = setup.job();
  observer.attach(job);
  EngineOptions options;
  options.lockstep = config.run.engine == RunConfig::Engine::kLockstep;
  options.max_cycles = config.run.max_cycles;
  Timeline timeline;
  options.timeline = config.run.trace ? &timeline : nullptr;
  const RunRecord record = run_job(config.platform, job, options);
  if (record.exit_status != 0 || record.steps.size() != job.steps) {
    throw ProgramError("the runtime ended with status " + std::to_string(record.exit_status) +
                       " after " + std::to_string(record.steps.size()) + " of " +
                       std::to_string(job.steps) + " passes");
  }
  RunRecord joined = record;
  joined.steps = join_passes(std::move(joined.steps), setup.passes_per_step());
  RunFacts facts = setup.facts();
  facts.warnings.insert(facts.warnings.begin(), warnings.begin(), warnings.end());
  const double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const Json result = make_result(config, facts, joined, observer.losses(), observer.facts(),
                                  {wall, ETUDE_VERSION});
  write_results(folder, result, config, observer);
  if (config.run.trace) {
    complete_timeline(config, setup, facts, record, timeline);
    write_perfetto_trace(timeline, folder / "trace.pftrace");
  }
  if (!arguments.quiet) {
    std::cout << terminal_report(result, isatty(STDOUT_FILENO) != 0) << "results in "
              << folder.string() << "\n";
  }
  return observer.facts().passed ? 0 : 1;
}
}  // namespace

void add_run(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("run", "Run a training step as a configuration says");
  auto a = std::make_shared<RunArguments>();
  command->add_option("config", a->config, "Root configuration (JSON)")->required();
  command->add_option("--set", a->sets, "/json/pointer=VALUE")->allow_extra_args(false);
  command->add_option("--out", a->out, "Folder of the results (default out/<config>)");
  command->add_option("--tier", a->tier, "cycle or tile");
  command->add_option("--engine", a->engine, "fast or lockstep");
  command->add_flag("--trace", a->trace, "Write trace.pftrace (Perfetto)");
  command->add_flag("--check", a->check, "Report wrong accesses to L1");
  command->add_flag("--no-verify", a->no_verify, "Leave out the numeric check");
  command->add_flag("--quiet", a->quiet, "No report");
  command->callback([a, &status] { status = run(*a); });
}

}  // namespace etude::cli
