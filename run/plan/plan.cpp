// SPDX-License-Identifier: Apache-2.0
#include "run/plan/plan.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "kernels/include/etude_kernels.h"
#include "kernels/include/etude_task.h"
#include "models/base/error.h"
#include "run/plan/file_notes.h"
#include "run/plan/model_tier.h"
#include "run/plan/schedule_from_file.h"
#include "run/plan/scheduled_program.h"
#include "run/plan/split_batch.h"
#include "run/plan/start_images.h"
#include "sim/config/load.h"
#include "workloads/training/counts.h"

namespace etude::run {
namespace {

std::vector<std::uint8_t> bytes_of_struct(const void* data, std::size_t size) {
  const auto* first = static_cast<const std::uint8_t*>(data);
  return {first, first + size};
}

RootConfig with_schedule_file(RootConfig config) {
  take_schedule_file(config);
  return config;
}

Workload available_workload(const RootConfig& config) {
  if (config.run.tier == RunConfig::Tier::kModel) {
    check_model_tier(config);
  }
  return build_workload(config);
}
}  // namespace

struct Plan::Decided {
  RootConfig config;
  Workload workload;
  ScheduledProgram scheduled;
  bool known_workload = false;  ///< from a memo: its inputs were looked at
  PlanMemo* memo = nullptr;     ///< that wants to know the workload
};

Plan::Decided Plan::decide(RootConfig config, const StepMeter& meter, PlanMemo* memo) {
  config = with_schedule_file(std::move(config));
  const std::shared_ptr<const Workload> known = memo != nullptr ? memo->workload() : nullptr;
  Workload workload = known != nullptr ? *known : available_workload(config);
  try {
    ScheduledProgram scheduled = scheduled_program(
        workload.training, config, meter, packed_weights(workload.packed, workload.training.graph),
        memo != nullptr ? &memo->written() : nullptr);
    if (known != nullptr) {
      return {std::move(config), std::move(workload), std::move(scheduled), true};
    }
    return {std::move(config), std::move(workload), std::move(scheduled), false, memo};
  } catch (const UserError&) {
    const auto split = split_batch(config, meter);
    if (!split) {
      throw;
    }
    ScheduledProgram scheduled = scheduled_program(split->config, std::move(split->found));
    scheduled.program.warnings.push_back(split->warning);
    return {split->config, build_workload(split->config), std::move(scheduled)};
  }
}

Plan::Plan(Decided decided)
    : config_(std::move(decided.config)),
      workload_(std::move(decided.workload)),
      schedule_(std::move(decided.scheduled.facts)),
      program_(std::move(decided.scheduled.program)),
      start_(workload_.parameters) {
  if (decided.known_workload) {
    take_facts();
    return;
  }
  read_inputs();
  if (decided.memo != nullptr) {
    decided.memo->set_workload(workload_);
  }
}

Plan::Plan(RootConfig config, const StepMeter& meter)
    : Plan(decide(std::move(config), meter, nullptr)) {}

Plan::Plan(RootConfig config, const StepMeter& meter, PlanMemo& memo)
    : Plan(decide(std::move(config), meter, &memo)) {}

Plan::Plan(RootConfig config, Program program)
    : config_(std::move(config)),
      workload_(available_workload(config_)),
      program_(std::move(program)),
      start_(workload_.parameters) {
  read_inputs();
}

void Plan::take_facts() {
  config_.workload.batch = workload_.batch;  // results show what the graph has
  config_.parts = workload_.parts;
}

void Plan::read_inputs() {
  take_facts();
  if (!config_.workload.inputs.empty()) {
    inputs_ = std::make_unique<NpzArchive>(read_npz(config_.workload.inputs));
    note_conversion("/workload/inputs", training().graph, *inputs_, workload_.warnings);
    if (const std::string unread = unread_members(training().graph, *inputs_); !unread.empty()) {
      workload_.warnings.push_back("/workload/inputs: members that no input reads: " + unread);
    }
  }
  take_inputs_of(0, start_);
}

void Plan::take_inputs_of(unsigned step, StartValues& values) const {
  if (inputs_ != nullptr) {
    take_inputs(training().graph, *inputs_, config_.workload.inputs, step, values);
  } else {
    draw_inputs(training().graph, config_.train.seed, step, values);
  }
}

unsigned Plan::passes_per_step() const { return workload_.update.accumulate; }

std::vector<MemoryImage> Plan::rate_images(unsigned pass) const {
  const UpdateOptions& update = workload_.update;
  if (update.rule == UpdateOptions::Rule::kSgd && update.accumulate == 1) {
    return {};
  }
  Node node;
  node.attributes = update_rates(update, pass);
  const auto lr = static_cast<float>(node.real("lr"));
  const AdamRates adam =
      adam_rates(lr, update.beta1, update.beta2, node.real("epsilon"), node.integer("step", 1));
  using Rate = RateArgument::Rate;
  const auto value_of = [&](Rate rate) {
    switch (rate) {
      case Rate::kLearningRate:
        return lr;
      case Rate::kMomentum:
        return static_cast<float>(node.real("momentum"));
      case Rate::kAdamLearningRate:
        return adam.lr;
      case Rate::kAdamEpsilon:
        return adam.epsilon;
    }
    throw std::logic_error("no such rate");
  };
  std::vector<MemoryImage> images;
  const TaskList& tasks = program_.tasks;
  for (std::uint32_t i = 0; i < tasks.operations.size(); ++i) {
    for (const RateArgument& patch : tasks.operations[i].rates) {
      // Argument 0 of the operation is the kernel's number, its own follow.
      const auto at = static_cast<std::uint32_t>(i * sizeof(etude_op) + offsetof(etude_op, arg) +
                                                 4 * (1 + patch.argument));
      const float value = value_of(patch.rate);
      const auto bytes = bytes_of_struct(&value, sizeof value);
      const std::uint64_t window = tasks.window.raw();
      if (window == 0 || at < window) {
        images.push_back({Address{tasks.address.raw() + ETUDE_TASK_FIRST_OP + at}, bytes});
      }
      if (window != 0) {
        images.push_back({Address{tasks.home.raw() + at}, bytes});
      }
    }
  }
  return images;
}

std::vector<MemoryImage> Plan::images() const {
  std::vector<MemoryImage> images = initial_images(program_, start_);
  std::ranges::move(packed_images(program_, workload_.packed), std::back_inserter(images));
  std::ranges::move(rate_images(0), std::back_inserter(images));
  return images;
}

std::vector<MemoryImage> Plan::images_before(unsigned pass, const StartValues& values) const {
  std::vector<MemoryImage> images = input_images(program_, values);
  // Behind the list that the inputs' images may renew.
  std::ranges::move(rate_images(pass), std::back_inserter(images));
  return images;
}

RunFacts Plan::facts() const {
  RunFacts facts;
  facts.title = workload_.title;
  facts.layers = program_.layers;
  for (const Operation& operation : program_.tasks.operations) {
    facts.op_layer.push_back(operation.layer);
  }
  facts.memory = program_.memory;
  facts.schedule = schedule_;
  if (facts.schedule) {
    facts.schedule->predicted_cycles *= passes_per_step();
    facts.schedule->predicted_joules *= passes_per_step();
  }
  facts.macs = count(training().graph).total_macs() * passes_per_step();
  facts.passes = passes_per_step();
  facts.samples = std::uint64_t{config_.workload.batch} * passes_per_step();
  if (workload_.loss) {
    facts.loss = workload_.loss->name;
    facts.loss_of = workload_.loss->of;
    facts.loss_why = workload_.loss->why;
  }
  facts.warnings = workload_.warnings;
  facts.warnings.insert(facts.warnings.end(), program_.warnings.begin(), program_.warnings.end());
  return facts;
}

}  // namespace etude::run
