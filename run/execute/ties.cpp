// SPDX-License-Identifier: Apache-2.0
#include "run/execute/ties.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "workloads/ops/op_rules.h"

namespace etude::run {
namespace {

constexpr double kNear = 1e-6;  // of the tensor's largest: the error of a product in FP32
constexpr std::size_t kMost = 32;
constexpr double kOtherSide = 1e-300;  // above zero, and nothing beside any value

}  // namespace

namespace {

using Found = std::vector<std::pair<double, Cut>>;

double largest_of(const std::vector<double>& values) {
  double largest = 0;
  for (const double v : values) {
    largest = std::max(largest, std::abs(v));
  }
  return largest;
}

/// Whatever operator it is: its result is cut off below zero.
void find_cuts(const Node& node, const TensorValues& reference, Found& found) {
  if (node.inputs.size() != 1) {
    return;
  }
  const std::vector<double>& x = reference.at(node.inputs[0]);
  const std::vector<double>& y = reference.at(node.outputs[0]);
  if (x.size() != y.size()) {
    return;
  }
  const double largest = largest_of(x);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::abs(x[i]) <= kNear * largest && y[i] == std::max(x[i], 0.0)) {
      found.push_back(
          {std::abs(x[i]) / largest, {node.outputs[0], i, x[i] > 0 ? 0.0 : kOtherSide}});
    }
  }
}

/// Whatever operator it is: its gradient jumps where what it reads has a certain value. That is
/// put there, where a gradient of its own may be, and on the other side.
void find_jumps(const Graph& graph, const Node& node, const TensorValues& reference, Found& found) {
  const auto kinks = rules_of(node.op).kinks;
  if (kinks == nullptr) {
    return;
  }
  std::map<TensorId, double> largest;
  kinks(graph, node, reference, [&](TensorId tensor, std::size_t element, double at) {
    if (!graph.producer(tensor)) {
      return;  // given: both have the same number
    }
    const std::vector<double>& x = reference.at(tensor);
    const auto [most, fresh] = largest.try_emplace(tensor, 0.0);
    most->second = fresh ? largest_of(x) : most->second;
    const double distance = std::abs(x[element] - at);
    if (!(distance <= kNear * most->second)) {
      return;
    }
    const double step = std::max(std::abs(at) * 0x1p-50, kOtherSide);
    // Equal in float64 is rarely by chance, and so mostly equal on the chip: these come last.
    const double rank = distance == 0 ? kNear : distance / most->second;
    const double first = x[element] > at ? at - step : at + step;
    found.push_back({rank, {tensor, element, first}});
    found.push_back({rank, {tensor, element, distance == 0 ? at - step : at}});
  });
}

}  // namespace

Cuts find_ties(const Graph& graph, const TensorValues& reference) {
  Found found;
  for (const Node& node : graph.nodes()) {
    find_cuts(node, reference, found);
    find_jumps(graph, node, reference, found);
  }
  std::ranges::stable_sort(found, {}, [](const auto& tie) { return tie.first; });
  Cuts ties;
  for (std::size_t i = 0; i < std::min(kMost, found.size()); ++i) {
    ties.push_back(found[i].second);
  }
  return ties;
}

Cuts resolve_ties(const Graph& graph, const StartValues& start, const Excess& excess,
                  TensorValues& reference) {
  Cuts kept;
  double best = excess(reference);
  for (const Cut& tie : find_ties(graph, reference)) {
    if (best == 0) {
      break;
    }
    Cuts tried = kept;
    tried.push_back(tie);
    TensorValues other = run_reference(graph, start, tried);
    if (const double left = excess(other); left < best) {
      best = left;
      kept = std::move(tried);
      reference = std::move(other);
    }
  }
  return kept;
}

}  // namespace etude::run
