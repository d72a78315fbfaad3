// SPDX-License-Identifier: Apache-2.0
#include "models/redmule/run.h"

#include <algorithm>

namespace etude {

RedmuleTally& RedmuleTally::operator+=(const RedmuleTally& other) {
  jobs += other.jobs;
  busy += other.busy;
  start += other.start;
  x_wait += other.x_wait;
  w_wait += other.w_wait;
  yz_wait += other.yz_wait;
  drain += other.drain;
  port_conflict += other.port_conflict;
  refused += other.refused;
  for (unsigned i = 0; i < 4; ++i) {
    beats[i] += other.beats[i];
  }
  fma_useful += other.fma_useful;
  fma_padded += other.fma_padded;
  return *this;
}

RedmuleTally& RedmuleTally::operator-=(const RedmuleTally& other) {
  jobs -= other.jobs;
  busy -= other.busy;
  start -= other.start;
  x_wait -= other.x_wait;
  w_wait -= other.w_wait;
  yz_wait -= other.yz_wait;
  drain -= other.drain;
  port_conflict -= other.port_conflict;
  refused -= other.refused;
  for (unsigned i = 0; i < 4; ++i) {
    beats[i] -= other.beats[i];
  }
  fma_useful -= other.fma_useful;
  fma_padded -= other.fma_padded;
  return *this;
}

RedmuleRun::RedmuleRun(const RedmuleJob& job, const RedmulePlan& plan, RedmuleAutomaton* automaton)
    : reduction_(job.n), rows_(job.m), columns_(job.k) {
  control_.start(plan, automaton);
}

void RedmuleRun::count_port(RedmuleStream stream, bool granted) {
  if (stream == RedmuleStream::kNone) {
    return;
  }
  if (granted) {
    ++tally_.beats[static_cast<unsigned>(stream)];
  } else {
    ++tally_.refused;
  }
}

bool RedmuleRun::step(RedmuleStream stream, bool granted) {
  count_port(stream, granted);
  const RedmuleControl::Outcome outcome = control_.clock(granted);
  const bool refused = stream != RedmuleStream::kNone && !granted;
  if (outcome.cycle == RedmuleCycle::kBusy) {
    ++tally_.busy;
  } else if (refused) {
    ++tally_.port_conflict;
  } else {
    switch (outcome.cycle) {
      case RedmuleCycle::kX:
        ++tally_.x_wait;
        break;
      case RedmuleCycle::kW:
        ++tally_.w_wait;
        break;
      case RedmuleCycle::kYZ:
        ++tally_.yz_wait;
        break;
      case RedmuleCycle::kDrain:
        ++tally_.drain;
        break;
      default:
        ++tally_.start;
        break;
    }
  }
  const RedmulePlan& plan = control_.plan();
  if (outcome.tile_filled && tiles_filled_ < plan.tiles()) {
    const std::uint64_t row = tiles_filled_ / plan.column_blocks * plan.width;
    const std::uint64_t column = tiles_filled_ % plan.column_blocks * plan.columns;
    const std::uint64_t useful = std::min<std::uint64_t>(rows_ - row, plan.width) *
                                 std::min<std::uint64_t>(columns_ - column, plan.columns) *
                                 reduction_;
    tally_.fma_useful += useful;
    tally_.fma_padded += std::uint64_t{plan.width} * plan.columns * plan.w_rows - useful;
    ++tiles_filled_;
  }
  if (outcome.finished) {
    end();
  }
  return outcome.finished;
}

void RedmuleRun::end() {
  const RedmulePlan& plan = control_.plan();
  const std::uint64_t all = plan.tiles() * plan.width * plan.columns * plan.w_rows;
  tally_.fma_useful = std::uint64_t{rows_} * columns_ * reduction_;
  tally_.fma_padded = all - tally_.fma_useful;
  tally_.jobs = 1;  // also if the control has ended before a fallback does
}

void RedmuleRun::fallback_step(RedmuleStream stream, bool granted) {
  count_port(stream, granted);
  if (stream != RedmuleStream::kNone && !granted) {
    ++tally_.port_conflict;
  } else {
    ++tally_.drain;
  }
}

}  // namespace etude
