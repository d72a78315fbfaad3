// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "run/execute/chain_replay.h"
#include "run/execute/classification.h"
#include "run/execute/numeric_check.h"
#include "run/execute/run.h"
#include "run/execute/work_queue.h"
#include "run/plan/plan.h"
#include "sim/engine/job.h"
#include "sim/report/facts.h"
#include "workloads/networks/initial.h"
#include "workloads/npz/npz.h"

namespace etude::run {

/// Follows a run from step to step: feeds inputs, checks numbers, keeps what the user gets. The
/// checks are done beside the simulation, and waited for when somebody asks for what they found.
class Observer {
 public:
  /// Of the options: what to call after steps.
  Observer(const Plan& plan, const ExecuteOptions& options);

  /// Adds its probes and callbacks to a job; the observer must outlive the run.
  void attach(Job& job);

  /// Losses of each step, means over its passes; the step in which training diverged.
  const TrainingFacts& training() const { return training_; }
  /// Of the whole run. Accuracy of an inference stands in training() from then on.
  CheckFacts facts();
  /// Trained parameters by name each time /run/save_every steps were over, by number of steps.
  const std::map<unsigned, NpzArchive>& saved() const { return saved_; }
  /// Updated parameters, loss and gradients by name, of the last step.
  NpzArchive outputs();

 private:
  using Reader = std::function<std::vector<std::uint8_t>(Address, Bytes)>;

  /// The mean over the step's passes, without the scale of the loss.
  std::vector<float> gradient(TensorId id) const;
  void on_probe(unsigned step, const Probe& probe, const std::vector<std::uint8_t>& bytes);
  std::vector<MemoryImage> before_step(unsigned pass);
  void after_step(unsigned pass, const Reader& read);
  /// What the passes of a step say together.
  void add_gradients(bool first);
  /// Counts an inference's right answers.
  void classify(const std::vector<float>& labels);
  void end_step(unsigned steps);
  bool weights_are_finite() const;
  void save(unsigned steps);

  const Plan& plan_;
  StartValues values_;  ///< as the simulated memory has them
  const ExecuteOptions& options_;
  unsigned passes_;
  // What the work of beside_ alone touches, until it is finished.
  NumericCheck check_;
  ChainReplay chains_;
  std::map<TensorId, std::vector<float>> gradients_;  ///< of a step: sums over its passes
  std::optional<Classification> classes_;
  std::uint64_t classified_ = 0, correct_ = 0;
  double loss_sum_ = 0;
  TrainingFacts training_;
  std::map<unsigned, NpzArchive> saved_;
  WorkQueue beside_;
};

}  // namespace etude::run
