// SPDX-License-Identifier: Apache-2.0
#include "sim/engine/accounting.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace etude {
const char* stall_name(StallReason reason) {
  switch (reason) {
    case StallReason::kLoadUse:
      return "load_use";
    case StallReason::kMultiCycle:
      return "multi_cycle";
    case StallReason::kFpDependency:
      return "fp_dependency";
    case StallReason::kFpStructural:
      return "fp_structural";
    case StallReason::kJump:
      return "jump";
    case StallReason::kBranch:
      return "branch";
    case StallReason::kCsr:
      return "csr";
    case StallReason::kMisaligned:
      return "misaligned";
    case StallReason::kTcdmConflict:
      return "tcdm_conflict";
    case StallReason::kIcacheMiss:
      return "icache_miss";
    case StallReason::kL2Access:
      return "l2_access";
    case StallReason::kPeripheral:
      return "peripheral";
    case StallReason::kDmaProgram:
      return "dma_program";
    case StallReason::kEventWait:
      return "event_wait";
    case StallReason::kSleep:
      return "sleep";
    case StallReason::kSharedFpu:
      return "shared_fpu";
    case StallReason::kCount:
      break;
  }
  throw std::logic_error("no such stall reason");
}

void Accounting::add(const std::string& component,
                     const std::function<void(const CounterVisitor&)>& visit) {
  UnitColumns unit{component, std::nullopt, {}};
  visit([&](const Counter& counter) {
    switch (counter.role) {
      case CounterRole::kEvent:
        break;
      case CounterRole::kBusy:
        if (unit.busy) {
          throw std::logic_error(component + " has two counters of busy cycles");
        }
        unit.busy = names_.size();
        break;
      case CounterRole::kStall:
        unit.stalls.emplace_back(counter.name, names_.size());
        break;
    }
    names_.push_back(component + "." + counter.name);
  });
  components_.push_back(visit);
  by_name_.resize(names_.size());
  std::iota(by_name_.begin(), by_name_.end(), std::size_t{0});
  std::ranges::sort(by_name_, [this](auto a, auto b) { return names_[a] < names_[b]; });
  zeros_.clear();
  for (const std::size_t i : by_name_) {
    zeros_.try_emplace(zeros_.end(), names_[i], 0);
  }
  if (unit.busy) {
    units_.push_back(std::move(unit));
  } else if (!unit.stalls.empty()) {
    throw std::logic_error(component + " counts stalls, but no busy cycles");
  }
}

std::vector<std::uint64_t> Accounting::counters() const {
  std::vector<std::uint64_t> values;
  values.reserve(names_.size());
  for (const auto& visit : components_) {
    visit([&values](const Counter& counter) { values.push_back(counter.value); });
  }
  return values;
}

void Accounting::begin_step(Snapshot at) {
  step_begin_ = std::move(at);
  layer_begin_ = step_begin_;
  op_begin_ = step_begin_.when;
  in_step_ = true;
  in_op_ = false;
  segments_.clear();
  layer_counters_.clear();
  layer_stalls_.clear();
}

void Accounting::begin_op(std::uint32_t op, std::uint32_t layer, Snapshot at) {
  if (!in_step_) {
    throw std::runtime_error("the program marks an operation outside a step");
  }
  if (in_op_) {
    close_segment(at.when);
    close_layer(at);
    layer_begin_ = std::move(at);
  }  // else: what lies before the first operation belongs to it
  op_ = op;
  layer_ = layer;
  in_op_ = true;
}

void Accounting::begin_op_of_layer(std::uint32_t op, Cycle when) {
  close_segment(when);
  op_ = op;
}

void Accounting::close_segment(Cycle when) {
  segments_.push_back({op_, op_begin_ - step_begin_.when, when - step_begin_.when});
  op_begin_ = when;
}

void Accounting::close_layer(const Snapshot& at) {
  if (layer_ >= layer_counters_.size()) {
    layer_counters_.resize(layer_ + 1, std::vector<std::uint64_t>(names_.size(), 0));
    layer_stalls_.resize(layer_ + 1);
  }
  for (std::size_t i = 0; i < names_.size(); ++i) {
    layer_counters_[layer_][i] += at.counters[i] - layer_begin_.counters[i];
  }
  for (std::size_t h = 0; h < at.harts.size(); ++h) {
    for (unsigned r = 0; r < kStallReasons; ++r) {
      layer_stalls_[layer_][r] += at.harts[h].stalls[r] - layer_begin_.harts[h].stalls[r];
    }
  }
}

void Accounting::end_step(const Snapshot& at) {
  if (!in_step_) {
    throw std::runtime_error("the program ends a step that it has not begun");
  }
  close_segment(at.when);
  close_layer(at);
  in_step_ = false;
  StepRecord step;
  step.cycles = at.when - step_begin_.when;
  step.begin = step_begin_.when;
  step.units = units(step_begin_, at);
  step.counters = named(step_begin_.counters, at.counters);
  step.segments = std::move(segments_);
  const std::vector<std::uint64_t> zero(names_.size(), 0);
  for (const auto& layer : layer_counters_) {
    step.layer_counters.push_back(named(zero, layer));
  }
  for (const auto& layer : layer_stalls_) {
    auto& out = step.layer_stalls.emplace_back();
    for (unsigned r = 0; r < kStallReasons; ++r) {
      if (layer[r] != 0) {
        out[stall_name(static_cast<StallReason>(r))] = layer[r];
      }
    }
  }
  steps_.push_back(std::move(step));
}

CounterSnapshot Accounting::named(const std::vector<std::uint64_t>& from,
                                  const std::vector<std::uint64_t>& to) const {
  CounterSnapshot out = zeros_;
  auto at = out.begin();
  for (const std::size_t i : by_name_) {
    at = at->first == names_[i] ? at : std::next(at);
    at->second += to[i] - from[i];
  }
  return out;
}

std::vector<UnitRecord> Accounting::units(const Snapshot& from, const Snapshot& to) const {
  std::vector<UnitRecord> out;
  for (std::size_t h = 0; h < to.harts.size(); ++h) {
    UnitRecord unit;
    unit.name = harts_.at(h);
    unit.busy = to.harts[h].busy - from.harts[h].busy;
    for (unsigned r = 0; r < kStallReasons; ++r) {
      const std::uint64_t cycles = to.harts[h].stalls[r] - from.harts[h].stalls[r];
      if (cycles != 0) {
        unit.stalls[stall_name(static_cast<StallReason>(r))] = cycles;
      }
    }
    out.push_back(std::move(unit));
  }
  add_units(from, to, out);
  return out;
}

std::map<std::string, std::uint64_t> Accounting::stalls(const Snapshot& from,
                                                        const Snapshot& to) const {
  std::map<std::string, std::uint64_t> out;
  const auto add = [&out](const std::string& name, std::uint64_t cycles) {
    if (cycles != 0) {
      out[name] += cycles;
    }
  };
  for (std::size_t h = 0; h < to.harts.size(); ++h) {
    const std::string unit = harts_.at(h).starts_with("core") ? "cores" : harts_[h];
    for (unsigned r = 0; r < kStallReasons; ++r) {
      add(unit + " stalled: " + stall_name(static_cast<StallReason>(r)),
          to.harts[h].stalls[r] - from.harts[h].stalls[r]);
    }
  }
  for (const UnitColumns& columns : units_) {
    for (const auto& [reason, i] : columns.stalls) {
      add(columns.name + " stalled: " + reason, to.counters[i] - from.counters[i]);
    }
  }
  return out;
}

// Units that are no harts. Their components count the cycles in which they have work; the others
// are idle: nobody had given them any.
void Accounting::add_units(const Snapshot& from, const Snapshot& to,
                           std::vector<UnitRecord>& out) const {
  const auto passed = [&](std::size_t i) { return to.counters[i] - from.counters[i]; };
  for (const UnitColumns& columns : units_) {
    UnitRecord unit;
    unit.name = columns.name;
    unit.busy = passed(*columns.busy);
    std::uint64_t worked = unit.busy;
    for (const auto& [reason, i] : columns.stalls) {
      const std::uint64_t cycles = passed(i);
      worked += cycles;
      if (cycles != 0) {
        unit.stalls[reason] = cycles;
      }
    }
    const std::uint64_t total = to.when.raw() - from.when.raw();
    if (worked > total) {
      throw std::logic_error(unit.name + " booked " + std::to_string(worked) + " cycles of " +
                             std::to_string(total));
    }
    unit.stalls["idle"] = total - worked;
    out.push_back(std::move(unit));
  }
}

void Accounting::finish(const Snapshot& at, RunRecord& record) {
  Snapshot zero;
  zero.harts.resize(at.harts.size());
  zero.counters.assign(names_.size(), 0);
  record.units = units(zero, at);
  record.counters = named(zero.counters, at.counters);
  record.steps = std::move(steps_);
  for (const auto& hart : at.harts) {
    record.instructions.push_back(hart.instructions);
  }
}

}  // namespace etude
