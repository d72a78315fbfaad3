// SPDX-License-Identifier: Apache-2.0
#include "run/execute/numeric_check.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "run/execute/classification.h"
#include "run/execute/ties.h"
#include "run/execute/update_check.h"
#include "workloads/reference/reference.h"

namespace etude::run {
namespace {
constexpr double kRelative = 1e-5;    // of the tensor's largest reference value
constexpr double kOfGradient = 1e-7;  // of the step's largest gradient
// Operands of every product rounded to 11 bits, and sums on the array: masks of ReLU and small
// differences change with them. A gradient that is missing or has the wrong sign is off by 1 or 2.
constexpr double kNormHalf = 0.5;
constexpr double kNoiseHalf = 1e-4;
// A step that holds a number above these may leave the range of its format by one product.
constexpr double kRange = 1e19;         // binary32: below the root of its largest number
constexpr double kRangeHalf = 3e4;      // binary16, sums of products: half its largest number
constexpr std::size_t kMostLines = 20;  // further failures are counted only

double largest(const std::vector<double>& values) {
  double most = 0;
  for (const double value : values) {
    most = std::max(most, std::abs(value));
  }
  return most;
}

/// Keeps the larger error; one that is not a number is the largest.
void note(double& most, double error) {
  if (!std::isnan(most) && !(error <= most)) {
    most = error;
  }
}

double ratio(double error, double of) { return error == 0 ? 0 : error / of; }

double allowed_error(const std::vector<double>& reference, double largest_gradient) {
  return kRelative * largest(reference) + kOfGradient * largest_gradient;
}

/// Of an element that no piece of a gradient has covered; arithmetic makes no such NaN.
const float kMissing = std::bit_cast<float>(0x7fc0dead);
bool missing(float value) {
  return std::bit_cast<std::uint32_t>(value) == std::bit_cast<std::uint32_t>(kMissing);
}

bool overflowed(const std::vector<float>& values) {
  return std::ranges::any_of(values,
                             [](float value) { return !std::isfinite(value) && !missing(value); });
}

std::string text(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.9g", value);
  return buffer;
}
}  // namespace

NumericCheck::NumericCheck(TrainingGraph training, const UpdateOptions& update, bool half)
    : training_(std::move(training)), update_(update), half_(half) {
  facts_.done = true;
  for (const Node& node : training_.graph.nodes()) {
    if (node.phase == Phase::kUpdate) {
      update_of_[node.inputs[0]] = static_cast<NodeId>(&node - training_.graph.nodes().data());
    }
    if (node.op == OpType::kBatchNormStatistics) {
      moved_[node.inputs[1]] = node.outputs[0];
      moved_[node.inputs[2]] = node.outputs[1];
    }
  }
}

void NumericCheck::begin_step(unsigned step, StartValues start) {
  step_ = step;
  start_ = std::move(start);
  set_rates(training_.graph, update_, step);
  gradients_.clear();
  // What no piece covers stays missing, so that a gradient that is computed in part is found.
  for (const TensorId parameter : training_.trained()) {
    const TensorId gradient = training_.gradients.at(parameter);
    gradients_[gradient].assign(training_.graph.tensor(gradient).elements(), kMissing);
  }
  if (const auto classes = classification_of(training_)) {  // the answer is what there is to see
    gradients_[classes->logits].assign(training_.graph.tensor(classes->logits).elements(),
                                       kMissing);
  }
}

void NumericCheck::gradient(TensorId gradient, std::uint64_t offset, std::uint64_t pitch,
                            std::uint32_t rows, const std::vector<std::uint8_t>& bytes) {
  std::vector<float>& dense = gradients_.at(gradient);
  const std::size_t row_bytes = rows == 0 ? 0 : bytes.size() / rows;
  for (std::uint32_t row = 0; row < rows; ++row) {
    const std::uint64_t at = offset + row * pitch;
    if (at + row_bytes <= 4 * dense.size()) {
      std::memcpy(reinterpret_cast<std::uint8_t*>(dense.data()) + at,
                  bytes.data() + row * row_bytes, row_bytes);
    }
  }
}

void NumericCheck::fail(const std::string& line) {
  facts_.passed = false;
  ++failed_;
  if (facts_.failures.size() < kMostLines) {
    facts_.failures.push_back("step " + std::to_string(step_ + 1) + ": " + line);
  } else if (facts_.failures.size() == kMostLines) {
    facts_.failures.push_back("");
  }
  if (facts_.failures.size() > kMostLines) {
    facts_.failures.back() = "and " + std::to_string(failed_ - kMostLines) + " more";
  }
}

void NumericCheck::compare(const std::string& what, const std::vector<double>& reference,
                           const std::vector<double>& simulated, double largest_gradient) {
  const double scale = largest(reference);
  const double allowed = allowed_error(reference, largest_gradient);
  double worst = 0;
  std::size_t worst_at = reference.size();
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double error = std::abs(simulated[i] - reference[i]);
    if (!(error <= worst)) {  // not a number counts as worst
      worst = error;
      worst_at = i;
      if (std::isnan(error)) {
        break;
      }
    }
  }
  ++facts_.tensors;
  note(facts_.max_abs_error, worst);
  note(facts_.max_rel_error,
       ratio(worst, std::max(scale, kOfGradient / kRelative * largest_gradient)));
  if (half_) {
    compare_norms(what, reference, simulated, largest_gradient);
    return;
  }
  note(facts_.error_of_allowed, ratio(worst, allowed));
  if (!(worst <= allowed)) {
    fail(what + "[" + std::to_string(worst_at) + "] is " + text(simulated[worst_at]) + " for " +
         text(reference[worst_at]) + ", allowed error " + text(allowed));
  }
}

void NumericCheck::compare_norms(const std::string& what, const std::vector<double>& reference,
                                 const std::vector<double>& simulated, double largest_gradient) {
  double error = 0;
  double norm = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    error += (simulated[i] - reference[i]) * (simulated[i] - reference[i]);
    norm += reference[i] * reference[i];
  }
  const double noise = kNoiseHalf * largest_gradient;
  const double allowed =
      kNormHalf * std::sqrt(norm) + noise * std::sqrt(static_cast<double>(reference.size()));
  note(facts_.error_of_allowed, ratio(std::sqrt(error), allowed));
  if (!(std::sqrt(error) <= allowed)) {
    fail(what + " is off by " + text(std::sqrt(error)) + " in the Euclidean norm, of " +
         text(std::sqrt(norm)) + ", allowed is " + text(allowed));
  }
}

void NumericCheck::check_parameter(TensorId parameter, const StartValues& now) {
  if (const auto update = update_of_.find(parameter); update != update_of_.end()) {
    const Node& node = training_.graph.node(update->second);
    const auto failure =
        check_update(training_.graph, node, start_, gradients_.at(node.inputs[1]), now);
    if (failure) {
      fail(*failure);
    }
    return;
  }
  const std::vector<float>& before = start_.at(parameter);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (i >= now.at(parameter).size() || !(now.at(parameter)[i] == before[i])) {
      fail(training_.graph.tensor(parameter).name + "[" + std::to_string(i) +
           "] is not trained, and was " + text(before[i]) + " before");
      return;
    }
  }
}

bool NumericCheck::left_range(double loss, const StartValues& parameters,
                              const TensorValues& reference) const {
  const bool finite = std::isfinite(loss) && std::ranges::none_of(parameters, overflowed) &&
                      std::ranges::none_of(gradients_, [](const auto& gradient) {
                        return overflowed(gradient.second);
                      });
  const double range = half_ ? kRangeHalf : kRange;
  return !finite && std::ranges::any_of(reference, [&](const std::vector<double>& values) {
    return std::ranges::any_of(values, [&](double v) { return !(std::abs(v) <= range); });
  });
}

double NumericCheck::largest_gradient(const TensorValues& reference) const {
  double most = 0;
  for (const auto& [gradient, values] : gradients_) {
    most = std::max(most, largest(reference.at(gradient)));
  }
  return most;
}

double NumericCheck::excess(const TensorValues& reference) const {
  const double most = largest_gradient(reference);
  double sum = 0;
  for (const auto& [gradient, values] : gradients_) {
    const std::vector<double>& exact = reference.at(gradient);
    double worst = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
      const double error = std::abs(values[i] - exact[i]);
      worst = std::isnan(error) ? kRange : std::max(worst, error);
    }
    sum += std::max(0.0, ratio(worst, allowed_error(exact, most)) - 1);
  }
  return sum;
}

void NumericCheck::end_step(double loss, const StartValues& parameters) {
  TensorValues reference = run_reference(training_.graph, start_);
  if (left_range(loss, parameters, reference)) {
    ++facts_.diverged_steps;
    return;
  }
  if (!half_) {
    facts_.ties += resolve_ties(
                       training_.graph, start_,
                       [this](const TensorValues& values) { return excess(values); }, reference)
                       .size();
  }
  const double most = largest_gradient(reference);
  compare("loss", reference.at(training_.loss), {loss}, most);
  for (const auto& [gradient, values] : gradients_) {
    compare(training_.graph.tensor(gradient).name, reference.at(gradient),
            std::vector<double>(values.begin(), values.end()), most);
  }
  for (const auto& [statistic, moved] : moved_) {
    const std::vector<float>& now = parameters.at(statistic);
    compare(training_.graph.tensor(statistic).name, reference.at(moved), {now.begin(), now.end()},
            most);
  }
  for (TensorId id = 0; id < training_.graph.tensors().size(); ++id) {
    if (training_.graph.tensor(id).kind == TensorKind::kParameter && !start_.at(id).empty() &&
        !moved_.contains(id)) {
      check_parameter(id, parameters);
    }
  }
}

}  // namespace etude::run
