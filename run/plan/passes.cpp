// SPDX-License-Identifier: Apache-2.0
#include "run/plan/passes.h"

#include <algorithm>
#include <utility>

namespace etude::run {
namespace {

using Counts = std::map<std::string, std::uint64_t>;

void add(Counts& sum, const Counts& more) {
  for (const auto& [name, count] : more) {
    sum[name] += count;
  }
}

void add(std::vector<Counts>& sums, const std::vector<Counts>& more) {
  sums.resize(std::max(sums.size(), more.size()));
  for (std::size_t i = 0; i < more.size(); ++i) {
    add(sums[i], more[i]);
  }
}

void append(StepRecord& step, const StepRecord& pass) {
  for (OpSegment segment : pass.segments) {
    segment.begin = segment.begin + step.cycles;
    segment.end = segment.end + step.cycles;
    step.segments.push_back(segment);
  }
  step.cycles = step.cycles + pass.cycles;
  for (std::size_t i = 0; i < step.units.size(); ++i) {
    step.units[i].busy += pass.units.at(i).busy;
    add(step.units[i].stalls, pass.units[i].stalls);
  }
  add(step.counters, pass.counters);
  add(step.layer_counters, pass.layer_counters);
  add(step.layer_stalls, pass.layer_stalls);
}

}  // namespace

std::vector<StepRecord> join_passes(std::vector<StepRecord> runs, unsigned passes) {
  if (passes <= 1) {
    return runs;
  }
  std::vector<StepRecord> steps;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (i % passes == 0) {
      steps.push_back(std::move(runs[i]));
    } else {
      append(steps.back(), runs[i]);
    }
  }
  return steps;
}

}  // namespace etude::run
