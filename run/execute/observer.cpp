// SPDX-License-Identifier: Apache-2.0
#include "run/execute/observer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace etude::run {
namespace {

std::vector<float> floats(const std::vector<std::uint8_t>& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

/// The numbers of a stored tensor, whatever its type.
std::vector<float> numbers(const std::vector<std::uint8_t>& bytes, DType type) {
  if (type != DType::kInt32) {
    return floats(bytes);
  }
  std::vector<std::int32_t> integers(bytes.size() / sizeof(std::int32_t));
  std::memcpy(integers.data(), bytes.data(), integers.size() * sizeof(std::int32_t));
  return {integers.begin(), integers.end()};
}

bool verified(const Plan& plan) { return plan.config().run.verify; }

}  // namespace

Observer::Observer(const Plan& plan, const ExecuteOptions& options)
    : plan_(plan),
      values_(plan.start()),
      options_(options),
      passes_(plan.passes_per_step()),
      check_(plan.training(), plan.workload().update,
             plan.config().train.precision == TrainConfig::Precision::kMixedFp16),
      chains_(plan.program(), plan.config().platform.cluster.redmule),
      classes_(classification_of(plan.training())) {
  check_.begin_step(0, values_);
}

void Observer::attach(Job& job) {
  job.before_step = [this](unsigned step) { return before_step(step); };
  if (verified(plan_)) {
    const auto gradients = static_cast<std::uint32_t>(plan_.program().probes.size());
    for (const Probe& probe : chains_.probes(gradients)) {
      job.probes.push_back(probe);
    }
  }
  job.on_probe = [this](unsigned step, const Probe& probe, const std::vector<std::uint8_t>& bytes) {
    on_probe(step, probe, bytes);
  };
  job.after_step = [this](unsigned step, const Reader& read) { after_step(step, read); };
  job.stop_after = [this](unsigned) { return training_.diverged != 0; };
}

void Observer::on_probe(unsigned step, const Probe& probe, const std::vector<std::uint8_t>& bytes) {
  const auto& probes = plan_.program().probes;
  if (probe.tag >= probes.size()) {
    const auto index = probe.tag - static_cast<std::uint32_t>(probes.size());
    beside_.post([this, step, index, bytes] { chains_.take(step, index, bytes); }, bytes.size());
    return;
  }
  const TensorProbe& found = probes[probe.tag];
  beside_.post(
      [this, &found, rows = probe.rows, bytes] {
        check_.gradient(found.tensor, found.tensor_offset.raw(), found.tensor_pitch.raw(), rows,
                        bytes);
      },
      bytes.size());
}

CheckFacts Observer::facts() {
  beside_.finish();
  training_.classified = classified_;
  training_.correct = correct_;
  if (!verified(plan_)) {
    return {};
  }
  CheckFacts facts = check_.facts();
  facts.redmule_jobs = chains_.compared();
  facts.passed = facts.passed && chains_.failures().empty();
  facts.failures.insert(facts.failures.end(), chains_.failures().begin(), chains_.failures().end());
  return facts;
}

NpzArchive Observer::outputs() {
  beside_.finish();
  NpzArchive archive;
  const Graph& graph = plan_.training().graph;
  archive["loss"] = NpyArray::from_float32({}, {static_cast<float>(training_.losses.back())});
  for (const auto& [name, tensor] : plan_.workload().outputs) {
    const Shape& shape = graph.tensor(tensor).shape;
    if (tensor == plan_.training().loss) {
      archive[name] = NpyArray::from_float32(shape, {static_cast<float>(training_.losses.back())});
    } else if (gradients_.contains(tensor)) {
      archive[name] = NpyArray::from_float32(shape, gradient(tensor));
    } else {
      archive[name] = NpyArray::from_float32(shape, values_.at(tensor));
    }
  }
  if (!plan_.workload().outputs.empty()) {
    return archive;
  }
  for (const auto* places : {&plan_.program().parameters, &plan_.program().states}) {
    for (const TensorPlace& place : *places) {
      if (graph.tensor(place.tensor).constant) {
        continue;
      }
      archive[place.name] = NpyArray::from_float32(place.shape, values_.at(place.tensor));
    }
  }
  for (const PackedPlace& place : plan_.program().packed) {
    archive[place.name] =
        NpyArray::from_float32(graph.tensor(place.tensor).shape, values_.at(place.tensor));
  }
  for (const auto& [id, sums] : gradients_) {
    archive[graph.tensor(id).name] = NpyArray::from_float32(graph.tensor(id).shape, gradient(id));
  }
  return archive;
}

std::vector<float> Observer::gradient(TensorId id) const {
  std::vector<float> values = gradients_.at(id);
  const auto scale = static_cast<float>(plan_.workload().update.loss_scale * passes_);
  for (float& value : values) {
    value /= scale;
  }
  return values;
}

std::vector<MemoryImage> Observer::before_step(unsigned pass) {
  plan_.take_inputs_of(pass, values_);
  beside_.post([this, pass, values = values_] { check_.begin_step(pass, values); });
  return plan_.images_before(pass, values_);
}

void Observer::after_step(unsigned pass, const Reader& read) {
  for (const auto* places : {&plan_.program().parameters, &plan_.program().states}) {
    for (const TensorPlace& place : *places) {
      values_.at(place.tensor) = numbers(read(place.address, place.bytes), place.dtype);
    }
  }
  for (const PackedPlace& place : plan_.program().packed) {
    const PackedTensor& stored = plan_.workload().packed.at(place.tensor);
    values_.at(place.tensor) = unpack(packed_from(stored, read(place.numbers, place.number_bytes),
                                                  read(place.scales, place.scale_bytes)),
                                      place.name);
  }
  const TensorPlace& place = plan_.program().loss;
  const double loss = floats(read(place.address, place.bytes)).at(0);
  beside_.post([this, loss, values = verified(plan_) ? values_ : StartValues{},
                first = pass % passes_ == 0,
                labels = classes_ ? values_.at(classes_->labels) : std::vector<float>{}] {
    if (verified(plan_)) {
      check_.end_step(loss, values);
    }
    add_gradients(first);
    if (classes_) {
      classify(labels);
    }
  });
  loss_sum_ += loss;
  if ((pass + 1) % passes_ == 0) {
    end_step((pass + 1) / passes_);
  }
}

void Observer::add_gradients(bool first) {
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

void Observer::classify(const std::vector<float>& labels) {
  classified_ += labels.size();
  correct_ += count_correct(check_.gradients().at(classes_->logits), labels);
}

void Observer::end_step(unsigned steps) {
  training_.losses.push_back(loss_sum_ / passes_);
  loss_sum_ = 0;
  const unsigned every = plan_.config().run.save_every;
  if (every != 0 && steps % every == 0) {
    save(steps);
  }
  const unsigned all = plan_.config().train.steps;
  if (!std::isfinite(training_.losses.back()) || (steps == all && !weights_are_finite())) {
    training_.diverged = steps;
  }
  if (options_.progress) {
    options_.progress(steps, all);
  }
}

bool Observer::weights_are_finite() const {
  return std::ranges::all_of(plan_.training().trained(), [this](TensorId id) {
    return std::ranges::all_of(values_.at(id), [](float value) { return std::isfinite(value); });
  });
}

void Observer::save(unsigned steps) {
  const Graph& graph = plan_.training().graph;
  NpzArchive parameters;
  for (const TensorId id : plan_.training().trained()) {
    parameters[graph.tensor(id).name] =
        NpyArray::from_float32(graph.tensor(id).shape, values_.at(id));
  }
  if (options_.save) {
    options_.save(steps, parameters);
  } else {
    saved_[steps] = std::move(parameters);
  }
}

}  // namespace etude::run
