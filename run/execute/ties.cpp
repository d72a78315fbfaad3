// SPDX-License-Identifier: Apache-2.0
#include "run/execute/ties.h"

#include <algorithm>
#include <cmath>

namespace etude::run {
namespace {

constexpr double kNear = 1e-6;  // of the tensor's largest: the error of a product in FP32
constexpr std::size_t kMost = 32;
constexpr double kOtherSide = 1e-300;  // above zero, and nothing beside any value

}  // namespace

Cuts find_ties(const Graph& graph, const TensorValues& reference) {
  std::vector<std::pair<double, Cut>> found;
  for (const Node& node : graph.nodes()) {
    if (node.inputs.size() != 1) {
      continue;
    }
    const std::vector<double>& x = reference.at(node.inputs[0]);
    const std::vector<double>& y = reference.at(node.outputs[0]);
    if (x.size() != y.size()) {
      continue;
    }
    double largest = 0;
    for (const double v : x) {
      largest = std::max(largest, std::abs(v));
    }
    for (std::size_t i = 0; i < x.size(); ++i) {
      // Whatever operator it is: its result is cut off below zero.
      if (std::abs(x[i]) <= kNear * largest && y[i] == std::max(x[i], 0.0)) {
        found.push_back(
            {std::abs(x[i]) / largest, {node.outputs[0], i, x[i] > 0 ? 0.0 : kOtherSide}});
      }
    }
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
