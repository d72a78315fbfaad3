// SPDX-License-Identifier: Apache-2.0
#include "models/event_unit/event_unit.h"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>
#include <utility>

#include "models/base/error.h"
#include "models/base/pulp_map_regs.h"
#include "models/event_unit/event_unit_decode.h"
#include "models/event_unit/event_unit_regs.h"

namespace etude {

using namespace event_unit_decode;

EventUnit::EventUnit(const sc_core::sc_module_name& name, const EventUnitConfig& config)
    : sc_module(name),
      config_(config),
      all_((1u << std::min(config.cores, 16u)) - 1u),
      dispatch_(config.cores, config.dispatch_depth) {
  check_range(EventUnitConfig::kCores, config.cores, "event unit: cores");
  check_range(EventUnitConfig::kBarriers, config.barriers, "event unit: barriers");
  check_range(EventUnitConfig::kDispatchDepth, config.dispatch_depth,
              "event unit: dispatch entries");
  reset();
}

void EventUnit::reset() {
  ports_.assign(config_.cores, {});
  units_.assign(config_.cores, {});
  barrier_units_.assign(config_.barriers, {});
  mutex_ = {};
  dispatch_ = DispatchFifo(config_.cores, config_.dispatch_depth);
  demux_writes_.assign(config_.cores, {});
  periph_writes_.assign(config_.cores, {});
  cause_ = {};
  cause_.lines.assign(config_.cores, 0);
  cause_.arrivals.assign(config_.barriers, 0);
  clearing_ = was_clearing_ = cleared_ = touched_ = written_ = dormant_ = interrupting_ = met_ = 0;
  barrier_waits_ = 0;
  posts_.clear();
  periph_queue_.clear();
  periph_response_.reset();
  up_ = granted_ = 0;
  last_ = 0;
  stepped_ = changed_ = false;
  for (Counter* counter : {&accesses_, &periph_accesses_, &waits_, &wait_cycles_, &gated_cycles_,
                           &barriers_, &conflicts_}) {
    counter->value = 0;
  }
}

void EventUnit::request(unsigned core, std::uint32_t offset, bool write, std::uint32_t wdata,
                        Cycle now) {
  Port& port = ports_[core];
  port.up = true;
  port.write = write;
  port.offset = offset & 0x3FFu;
  port.wdata = wdata;
  port.since = now.raw();
  const std::uint32_t bit = 1u << core;
  up_ |= bit;
  dormant_ &= ~bit;
  barrier_waits_ =
      !write && is_barrier_wait(port.offset) ? barrier_waits_ | bit : barrier_waits_ & ~bit;
}

void EventUnit::withdraw(unsigned core) {
  ports_[core].up = false;
  up_ &= ~(1u << core);
}

void EventUnit::set_event(unsigned line, std::uint32_t core_mask, Cycle now) {
  if (!stepped_ || now.raw() > last_) {
    posts_.push_back({now.raw(), line, core_mask & all_});
    return;
  }
  if (now.raw() < last_) {
    throw std::logic_error("event line raised in the past");
  }
  // The cycle was stepped already, but the line still reaches the buffer at its end.
  for (std::uint32_t left = core_mask & all_; left != 0; left &= left - 1) {
    const unsigned core = static_cast<unsigned>(std::countr_zero(left));
    const std::uint32_t bit = (1u << line) & ~units_[core].cleared;
    changed_ = changed_ || (units_[core].buffer & bit) != bit;
    units_[core].buffer |= bit;
    if ((granted_ >> core & 1u) != 0) {
      ports_[core].rdata = read_data(core);
    }
  }
}

Cycle EventUnit::next_activity() const {
  if (changed_ && stepped_) {
    return Cycle{last_ + 1};  // nothing waits for an earlier one
  }
  std::uint64_t next = changed_ ? last_ + 1 : kNever.raw();
  if (!periph_queue_.empty()) {
    next = std::min(next, std::max(periph_queue_.front().since, last_) + 1);
  }
  for (const Post& post : posts_) {
    next = std::min(next, post.cycle);
  }
  for (std::uint32_t left = up_; left != 0; left &= left - 1) {
    const Port& port = ports_[static_cast<unsigned>(std::countr_zero(left))];
    if (!stepped_ || port.since > last_) {
      next = std::min(next, port.since);
    }
  }
  return Cycle{next};
}

std::uint32_t EventUnit::irq_lines(unsigned core) const { return units_[core].irq_line; }

void EventUnit::irq_acknowledge(unsigned core, unsigned line) {
  units_[core].irq_ack |= 1u << line;
  touched_ |= 1u << core;
  changed_ = true;
}

// An event line of `cores` is up in the cycle that is stepped.
inline void EventUnit::raise(std::uint32_t cores, unsigned line) {
  touched_ |= cores;
  for (std::uint32_t left = cores; left != 0; left &= left - 1) {
    cause_.lines[static_cast<unsigned>(std::countr_zero(left))] |= 1u << line;
  }
}

void EventUnit::software_event(unsigned event, std::uint32_t cores) {
  if (event >= kSwEvents) {
    return;
  }
  raise((cores & all_) == 0 ? all_ : cores & all_, event);
}

bool EventUnit::step_private(unsigned core) {
  const Port& port = ports_[core];
  CoreUnit& unit = units_[core];
  const std::uint32_t bit = 1u << core;
  const unsigned group = group_of(port.offset);
  // The unit acts on the request itself, so one that is refused for a cycle acts twice.
  if (port.write) {
    if (in_barriers(port.offset)) {
      // A store to the address of a blocking load: granted, ignored.
    } else if (group == 0) {
      core_register_write(unit, port.offset, port.wdata, demux_writes_[core]);
      touched_ |= bit;
      written_ |= bit;
    } else if (group == 2) {
      const unsigned reg = (port.offset >> 2) & 3u;
      if (reg == 0) {
        cause_.push = true;
        cause_.push_data |= port.wdata;
      } else if (reg == 1) {
        cause_.team = true;
        cause_.team_data |= port.wdata;
      }
    } else if (group == 3 && (port.offset & 0x3Cu) == 0) {
      cause_.unlock |= bit;
      cause_.message |= port.wdata;
    } else if (group == 4) {
      software_event((port.offset >> 2) & 7u, port.wdata);
    }
    changed_ = true;
    return (was_clearing_ & bit) == 0;
  }

  if (unit.may_trigger) {
    if (in_barriers(port.offset)) {
      if (barrier_register(port.offset) >= 5u && barrier_of(port.offset) < config_.barriers) {
        cause_.arrivals[barrier_of(port.offset)] |= bit;
        cause_.arrived |= 1u << barrier_of(port.offset);
      }
    } else if (group == 5 || group == 6) {
      software_event((port.offset >> 2) & 7u, unit.sw_mask);
    } else if (group == 3 && (port.offset & 0x3Cu) == 0) {
      cause_.lock |= bit;
    } else if (port.offset == ETUDE_EU_DISPATCH) {
      cause_.pop |= bit;
    }
  }
  if (!is_wait(port.offset)) {
    changed_ = true;
    return (was_clearing_ & bit) == 0;
  }
  return wait(unit, bit, clears(port.offset));
}

// step_private() of a load that waits at a barrier, which most requests are.
inline bool EventUnit::step_barrier_wait(unsigned core) {
  const std::uint32_t offset = ports_[core].offset, bit = 1u << core;
  CoreUnit& unit = units_[core];
  if (unit.may_trigger && barrier_of(offset) < config_.barriers) {
    cause_.arrivals[barrier_of(offset)] |= bit;
    cause_.arrived |= 1u << barrier_of(offset);
  }
  return wait(unit, bit, clears(offset));
}

// A blocking load, which may have triggered its unit. True if it is granted.
inline bool EventUnit::wait(CoreUnit& unit, std::uint32_t bit, bool clears) {
  const bool event = (unit.buffer & unit.irq_mask) == 0 && (unit.buffer & unit.mask) != 0;
  if (event) {
    cause_.wake |= bit;
    clearing_ |= clears ? bit : 0;
  } else {
    dormant_ |= bit;
  }
  changed_ = changed_ || event || unit.may_trigger;
  unit.may_trigger = event;
  return event && (was_clearing_ & bit) == 0;
}

void EventUnit::step_barrier_port(unsigned core) {
  const Port& port = ports_[core];
  const unsigned barrier = barrier_of(port.offset);
  if (port.write && barrier < config_.barriers) {
    cause_.port_write |= 1u << barrier;
    barrier_register_write(barrier, port.offset, port.wdata);
  }
}

void EventUnit::grant(unsigned core, std::uint64_t now) {
  Port& port = ports_[core];
  port.up = false;
  up_ &= ~(1u << core);
  granted_ |= 1u << core;
  changed_ = true;
  ++accesses_;
  if (!port.write && is_wait(port.offset)) {
    const std::uint64_t wait = now - port.since;
    const std::uint64_t awake = config_.busy.raw() + 1;
    port.last_gated = wait > awake ? wait - awake : 0;
    port.gated += port.last_gated;
    ++waits_;
    wait_cycles_ += wait;
    gated_cycles_ += port.last_gated;
  } else {
    port.last_gated = 0;
  }
}

void EventUnit::commit_core(unsigned core) {
  CoreUnit& unit = units_[core];
  const std::uint32_t old = unit.buffer;
  if (((written_ | interrupting_) >> core & 1u) == 0 && unit.irq_ack == 0) [[likely]] {
    unit.buffer = (old | std::exchange(cause_.lines[core], 0u)) & ~unit.cleared;
    changed_ = changed_ || unit.buffer != old;
    return;
  }
  std::uint32_t kept = unit.buffer;
  if ((was_clearing_ >> core & 1u) != 0) {
    // The clear of a wait goes before stores to the buffer; step() set `cleared`.
  } else if (const bool written = (written_ >> core & 1u) != 0;
             written && demux_writes_[core].buffer) {
    kept = *demux_writes_[core].buffer;
  } else if (written && periph_writes_[core].buffer) {
    kept = *periph_writes_[core].buffer;
  }
  if (unit.irq_ack != 0) {
    unit.cleared |= unit.irq_ack;
    unit.irq_ack = 0;
    cleared_ |= 1u << core;
  }
  const std::uint32_t irq_pending = old & unit.irq_mask;
  unit.buffer = (kept | cause_.lines[core]) & ~unit.cleared;
  const std::uint32_t irq_line =
      irq_pending == 0 ? 0 : std::uint32_t{1} << (31 - std::countl_zero(irq_pending));
  changed_ = changed_ || unit.buffer != old || irq_line != unit.irq_line;
  unit.irq_line = irq_line;
  const std::uint32_t bit = 1u << core;
  if ((written_ & bit) != 0) {
    written_ &= ~bit;
    for (Writes* writes : {&periph_writes_[core], &demux_writes_[core]}) {
      unit.mask = writes->mask.value_or(unit.mask);
      unit.irq_mask = writes->irq_mask.value_or(unit.irq_mask);
      unit.sw_mask = writes->sw_mask.value_or(unit.sw_mask);
      *writes = {};
    }
  }
  cause_.lines[core] = 0;
  interrupting_ = (unit.irq_mask | unit.irq_line) != 0 ? interrupting_ | bit : interrupting_ & ~bit;
}

std::uint32_t EventUnit::raise_barrier_events() {
  // Barriers that were complete before this cycle: their event is up now, their status goes.
  std::uint32_t matched = 0;
  for (std::uint32_t left = met_; left != 0; left &= left - 1) {
    const HwBarrier& barrier = barrier_units_[static_cast<unsigned>(std::countr_zero(left))];
    if (barrier.matched()) {
      matched |= left & (~left + 1);
      raise(barrier.target_mask, ETUDE_EVENT_BARRIER);
    }
  }
  return matched;
}

void EventUnit::step_ports(std::uint64_t now) {
  std::uint32_t served_barriers = 0;
  for (std::uint32_t left = up_; left != 0; left &= left - 1) {
    const unsigned core = static_cast<unsigned>(std::countr_zero(left));
    const Port& port = ports_[core];
    if (port.since > now ||
        ((dormant_ & left & (~left + 1)) != 0 && (units_[core].buffer & units_[core].mask) == 0)) {
      continue;
    }
    bool granted = false;
    if ((barrier_waits_ >> core & 1u) != 0) {
      granted = step_barrier_wait(core);
    } else if (uses_barrier_port(port.offset)) {
      const std::uint32_t bit = 1u << barrier_of(port.offset);
      if ((served_barriers & bit) == 0) {
        step_barrier_port(core);
        granted = true;
        served_barriers |= bit;
      } else {
        ++conflicts_;
        changed_ = true;
      }
    } else {
      granted = step_private(core);
    }
    if (granted) {
      grant(core, now);
    }
  }
}

void EventUnit::commit_shared_units(std::uint32_t matched) {
  for (std::uint32_t left = matched | cause_.arrived; left != 0; left &= left - 1) {
    const auto b = static_cast<unsigned>(std::countr_zero(left));
    HwBarrier& barrier = barrier_units_[b];
    if ((matched >> b & 1u) != 0) {
      barrier.status = 0;
      met_ &= ~(1u << b);
      ++barriers_;
      changed_ = true;
    } else if (cause_.arrivals[b] != 0) {
      barrier.status |= cause_.arrivals[b];
      met_ |= 1u << b;
      changed_ = true;
    }
    cause_.arrivals[b] = 0;
  }
  cause_.arrived = cause_.port_write = 0;
  const std::uint32_t owner = mutex_.step(cause_.lock, cause_.unlock, cause_.message);
  const std::uint32_t dispatched = dispatch_.step(cause_.pop, cause_.wake);
  if (cause_.push) {
    dispatch_.push(cause_.push_data);
  }
  if (cause_.team) {
    dispatch_.set_team(cause_.team_data & all_);
  }
  changed_ = changed_ || dispatch_.moved();
  cause_.lock = cause_.unlock = cause_.message = cause_.pop = cause_.wake = 0;
  cause_.push = cause_.team = false;
  cause_.push_data = cause_.team_data = 0;

  raise(owner, ETUDE_EVENT_MUTEX);
  raise(dispatched, ETUDE_EVENT_DISPATCH);
}

std::uint32_t EventUnit::step(Cycle cycle) {
  const std::uint64_t now = cycle.raw();
  changed_ = false;
  granted_ = 0;
  if (!posts_.empty()) {
    std::erase_if(posts_, [&](const Post& post) {
      if (post.cycle != now) {
        return false;
      }
      raise(post.cores, post.line);
      return true;
    });
  }
  const std::uint32_t matched = raise_barrier_events();
  was_clearing_ = std::exchange(clearing_, 0u);
  for (std::uint32_t left = cleared_ | was_clearing_; left != 0; left &= left - 1) {
    CoreUnit& unit = units_[static_cast<unsigned>(std::countr_zero(left))];
    unit.cleared = (was_clearing_ & left & (~left + 1)) != 0 ? unit.mask : 0;
  }
  cleared_ = was_clearing_;
  changed_ = changed_ || was_clearing_ != 0;
  step_ports(now);
  step_peripheral(now);

  commit_shared_units(matched);
  for (std::uint32_t left = std::exchange(touched_, 0u) | was_clearing_ | interrupting_; left != 0;
       left &= left - 1) {
    commit_core(static_cast<unsigned>(std::countr_zero(left)));
  }
  for (std::uint32_t left = granted_; left != 0; left &= left - 1) {
    const unsigned core = static_cast<unsigned>(std::countr_zero(left));
    ports_[core].rdata = read_data(core);
  }
  if (periph_response_ && periph_reads_) {
    periph_response_->rdata = periph_read_data();
  }
  last_ = now;
  stepped_ = true;
  return granted_;
}

void EventUnit::visit_counters(const CounterVisitor& visit) const {
  for (const Counter* counter : {&accesses_, &periph_accesses_, &waits_, &wait_cycles_,
                                 &gated_cycles_, &barriers_, &conflicts_}) {
    visit(*counter);
  }
}

}  // namespace etude
