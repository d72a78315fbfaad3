// SPDX-License-Identifier: Apache-2.0
#include "sim/check/events.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "models/base/pulp_map_regs.h"
#include "models/event_unit/event_unit_decode.h"
#include "models/event_unit/event_unit_regs.h"

namespace etude::check {

using namespace event_unit_decode;

namespace {
constexpr std::size_t kMeetingsKept = 4096;
constexpr unsigned kDispatchDepth = 8;
constexpr std::uint32_t kBarrierBit = 1u << ETUDE_EVENT_BARRIER;
}  // namespace

void Events::begin(unsigned harts, std::vector<Thread>& threads) {
  harts_ = harts;
  threads_ = &threads;
  units_ = std::vector<HartUnit>(harts);
}

// What the hart has done until now goes to the targets with the event.
void Events::send(unsigned by, unsigned event, std::uint32_t targets, std::uint32_t pc,
                  std::uint64_t cycle) {
  const std::uint32_t all = (1u << harts_) - 1;
  targets &= all;
  Thread& thread = (*threads_)[by];
  for (std::uint32_t left = targets == 0 ? all : targets; left != 0; left &= left - 1) {
    const auto t = static_cast<unsigned>(std::countr_zero(left));
    HartUnit& unit = units_[t];
    // The end of a wait clears its events in the cycle behind the grant, and what comes by then.
    const bool goes_too = cycle <= unit.clears_at && (unit.cleared >> event & 1) != 0;
    if (((unit.pending >> event & 1) != 0 || goes_too) && lost_.size() < kMeetingsKept) {
      lost_.push_back({event, t, thread.now(pc)});
    }
    unit.pending |= goes_too ? 0 : 1u << event;
    unit.woken = true;
    unit.bits[event].join(thread.order);
  }
  thread.tick();
}

void Events::arrive(unsigned number, std::uint32_t cores, const Order& order) {
  Barrier& barrier = barriers_[number];
  barrier.arrived |= cores;
  for (std::uint32_t left = cores; left != 0; left &= left - 1) {
    barrier.came[static_cast<unsigned>(std::countr_zero(left))].join(order);
  }
  if (barrier.trigger == 0 || barrier.arrived != barrier.trigger) {
    return;
  }
  Order all;
  for (std::uint32_t left = barrier.arrived; left != 0; left &= left - 1) {
    all.join(std::exchange(barrier.came[static_cast<unsigned>(std::countr_zero(left))], Order{}));
  }
  for (std::uint32_t left = barrier.arrived; left != 0; left &= left - 1) {
    barrier.passed[static_cast<unsigned>(std::countr_zero(left))] = all;
  }
  for (std::uint32_t left = barrier.target & ((1u << harts_) - 1); left != 0; left &= left - 1) {
    HartUnit& unit = units_[static_cast<unsigned>(std::countr_zero(left))];
    unit.pending |= kBarrierBit;
    unit.bits[ETUDE_EVENT_BARRIER].join(all);
  }
  barrier.arrived = 0;
}

// A bit of STATUS goes up behind all that its core did before it arrived, and down when everybody
// has: who sees the bit of another learns of that one, who sees its own one gone of all.
void Events::read_status(unsigned hart, unsigned number, std::uint32_t status) {
  const Barrier& barrier = barriers_[number];
  Order& order = (*threads_)[hart].order;
  for (std::uint32_t left = status & barrier.arrived; left != 0; left &= left - 1) {
    order.join(barrier.came[static_cast<unsigned>(std::countr_zero(left))]);
  }
  if ((status >> hart & 1) == 0) {
    order.join(barrier.passed[hart]);
  }
}

void Events::write_core_register(unsigned hart, std::uint32_t offset, std::uint32_t data) {
  HartUnit& unit = units_[hart];
  switch (offset & 0x3Cu) {
    case ETUDE_EU_MASK:
      unit.mask = data;
      break;
    case ETUDE_EU_MASK_AND:
      unit.mask &= ~data;
      break;
    case ETUDE_EU_MASK_OR:
      unit.mask |= data;
      break;
    case ETUDE_EU_BUFFER_CLEAR:
      unit.pending &= ~data;
      break;
    case ETUDE_EU_SW_MASK:
      unit.sw_mask = data;
      break;
    case ETUDE_EU_SW_MASK_AND:
      unit.sw_mask &= ~data;
      break;
    case ETUDE_EU_SW_MASK_OR:
      unit.sw_mask |= data;
      break;
    default:
      break;
  }
}

void Events::write_barrier(unsigned hart, unsigned barrier, std::uint32_t reg, std::uint32_t data) {
  const std::uint32_t all = (1u << harts_) - 1;
  switch (reg << 2) {
    case ETUDE_EU_BARRIER_TRIGGER_MASK:
      barriers_[barrier].trigger = data & all;
      break;
    case ETUDE_EU_BARRIER_TARGET_MASK:
      barriers_[barrier].target = data & all;
      break;
    case ETUDE_EU_BARRIER_TRIGGER:
      arrive(barrier, data & all, (*threads_)[hart].order);
      (*threads_)[hart].tick();
      break;
    default:
      break;
  }
}

void Events::asks(unsigned hart, const DataAccess& access, std::uint32_t offset, std::uint32_t pc,
                  std::uint64_t cycle) {
  Thread& thread = (*threads_)[hart];
  HartUnit& unit = units_[hart];
  const unsigned group = group_of(offset);
  if (access.write) {
    if (in_barriers(offset)) {
      if (uses_barrier_port(offset)) {
        write_barrier(hart, barrier_of(offset), barrier_register(offset), access.wdata);
      }
    } else if (group == 0) {
      write_core_register(hart, offset, access.wdata);
    } else if (group == 2 && (offset & 0xCu) == 0) {
      pushes_.push_back({team_, thread.order});
      thread.tick();
      if (pushes_.size() > kDispatchDepth) {
        pushes_.pop_front();
      }
    } else if (group == 2) {
      team_ = access.wdata & ((1u << harts_) - 1);
    } else if (group == 3) {
      mutex_ = thread.order;
      owner_ = kHarts;
      thread.tick();
    } else if (group == 4) {
      send(hart, (offset >> 2) & 7u, access.wdata, pc, cycle);
    }
    return;
  }
  if (in_barriers(offset) && barrier_register(offset) >= 5u) {
    met_[hart] = static_cast<std::uint8_t>(barrier_of(offset));
    arrive(barrier_of(offset), 1u << hart, thread.order);
    thread.tick();
  } else if (!in_barriers(offset) && (group == 5 || group == 6)) {
    send(hart, (offset >> 2) & 7u, unit.sw_mask, pc, cycle);
  }
  if (is_wait(offset)) {
    waiting_[hart] = {true, offset, pc, unit.mask};
  }
}

void Events::take(unsigned hart, std::uint32_t bits) {
  for (std::uint32_t left = bits; left != 0; left &= left - 1) {
    (*threads_)[hart].order.join(units_[hart].bits[static_cast<unsigned>(std::countr_zero(left))]);
  }
}

void Events::pop(unsigned hart) {
  const std::uint32_t bit = 1u << hart;
  const auto found =
      std::ranges::find_if(pushes_, [bit](const Push& p) { return (p.left & bit) != 0; });
  if (found != pushes_.end()) {
    (*threads_)[hart].order.join(found->order);
    found->left &= ~bit;
  }
  while (!pushes_.empty() && pushes_.front().left == 0) {
    pushes_.pop_front();
  }
}

std::uint32_t Events::answered(unsigned hart, const DataAccess& access, std::uint32_t offset,
                               std::uint32_t rdata, std::uint64_t cycle) {
  if (access.write) {
    return 0;
  }
  HartUnit& unit = units_[hart];
  Thread& thread = (*threads_)[hart];
  const unsigned group = group_of(offset);
  if (!is_wait(offset)) {
    if (in_barriers(offset)) {
      if (barrier_register(offset) << 2 == ETUDE_EU_BARRIER_STATUS) {
        read_status(hart, barrier_of(offset), rdata);
      }
      return 0;
    }
    const std::uint32_t reg = offset & 0x3Cu;
    const bool reads_buffer =
        group == 0 && (reg == ETUDE_EU_BUFFER || reg == ETUDE_EU_BUFFER_MASKED ||
                       reg == ETUDE_EU_BUFFER_IRQ_MASKED);
    take(hart, reads_buffer ? rdata : 0);
    return reads_buffer ? rdata : 0;
  }
  waiting_[hart].waits = false;
  unit.woken = true;
  std::uint32_t bits = rdata;
  if (!in_barriers(offset) && group == 3) {
    thread.order.join(mutex_);
    owner_ = hart;
    taken_ = thread.now(waiting_[hart].pc);
    bits = unit.mask & 1u << ETUDE_EVENT_MUTEX;
  } else if (is_dispatch_pop(offset) && !in_barriers(offset)) {
    pop(hart);
    bits = unit.mask & 1u << ETUDE_EVENT_DISPATCH;
  }
  take(hart, bits);
  if (clears(offset)) {
    unit.pending &= ~unit.mask;
    unit.cleared = unit.mask;
    unit.clears_at = cycle + 1;
  }
  if (in_barriers(offset)) {
    const Barrier& barrier = barriers_[met_[hart]];
    std::vector<Meeting>& past = meetings_[hart];
    if (past.size() == kMeetingsKept) {
      past.erase(past.begin(), past.begin() + kMeetingsKept / 2);
    }
    past.push_back({thread.clock, met_[hart], barrier.trigger});
  }
  return bits;
}

void Events::peripheral(unsigned hart, const DataAccess& access, std::uint32_t offset,
                        std::uint32_t pc, std::uint32_t rdata, std::uint64_t cycle) {
  const bool barriers = offset >= ETUDE_EU_PERIPH_BARRIER && offset < ETUDE_EU_PERIPH_SW_EVENT;
  if (!access.write) {
    if (barriers && barrier_register(offset) << 2 == ETUDE_EU_BARRIER_STATUS) {
      read_status(hart, barrier_of(offset), rdata);
    }
    return;
  }
  if (offset < ETUDE_EU_PERIPH_BARRIER) {
    if (offset >> 6 < harts_) {
      write_core_register(offset >> 6, offset & 0x3Cu, access.wdata);
    }
  } else if (barriers) {
    write_barrier(hart, barrier_of(offset), barrier_register(offset), access.wdata);
  } else if (offset < ETUDE_EU_PERIPH_SW_EVENT + 0x100u) {
    send(hart, (offset >> 2) & 7u, access.wdata, pc, cycle + 1);  // a cycle behind its grant
  }
}

bool Events::untouched(unsigned hart) const {
  const bool member = std::ranges::any_of(
      barriers_, [hart](const Barrier& b) { return ((b.trigger | b.target) >> hart & 1) != 0; });
  // A clock that stands at its beginning: it has posted no work and handed nothing on either.
  return !units_[hart].woken && !member && (*threads_)[hart].clock == 1;
}

const Events::Meeting* Events::meeting(unsigned hart, std::uint32_t clock) const {
  const std::vector<Meeting>& past = meetings_[hart];
  const auto after = std::ranges::upper_bound(past, clock, {}, &Meeting::clock);
  return after == past.begin() ? nullptr : &*std::prev(after);
}

}  // namespace etude::check
