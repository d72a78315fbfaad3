// SPDX-License-Identifier: Apache-2.0
// What a program that sleeps for good waits for, and who is missing.
#include <bit>
#include <utility>

#include "models/base/pulp_map_regs.h"
#include "models/event_unit/event_unit_decode.h"
#include "sim/check/checker.h"

namespace etude::check {
namespace {

using namespace event_unit_decode;

constexpr std::uint32_t kWfi = 0x10500073;

std::string hex(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", value);
  return text;
}

bool at_mutex(std::uint32_t offset) { return !in_barriers(offset) && group_of(offset) == 3; }
bool at_dispatch(std::uint32_t offset) { return !in_barriers(offset) && is_dispatch_pop(offset); }

std::string event_name(unsigned event) {
  switch (event) {
    case ETUDE_EVENT_DMA:
      return "event 8 (DMA)";
    case ETUDE_EVENT_ACC0:
      return "event 12 (RedMulE)";
    case ETUDE_EVENT_BARRIER:
      return "event 16 (barrier)";
    case ETUDE_EVENT_SOC:
      return "event 27 (SoC DMA)";
    default:
      return "event " + std::to_string(event);
  }
}

}  // namespace

Party Checker::waiter(unsigned hart) const {
  return {names_[hart], "wait", events_.waiting(hart).pc, "", std::uint64_t{1} << hart};
}

Party Checker::missing(unsigned hart) const {
  const Events::Waiting& waiting = events_.waiting(hart);
  std::uint32_t pc = waiting.waits ? waiting.pc : platform_->core(hart).pc();
  const Instr* const before = platform_->core(hart).instruction(pc - 4);
  if (!waiting.waits && before != nullptr && before->word == kWfi) {
    pc -= 4;  // it sleeps in it
  }
  std::string what = "asleep";
  if (waiting.waits) {
    what = in_barriers(waiting.offset)
               ? "waits at barrier " + std::to_string(barrier_of(waiting.offset))
           : at_mutex(waiting.offset)    ? "waits for the mutex"
           : at_dispatch(waiting.offset) ? "waits for a dispatch"
                                         : "waits for events " + hex(waiting.mask);
  }
  return {names_[hart], "missing", pc, what, std::uint64_t{1} << hart};
}

void Checker::told(Kind kind, std::string where, std::vector<Party> parties, std::uint64_t cycle,
                   std::string text, Severity severity) {
  Finding finding{kind, severity, std::move(where)};
  finding.cycle = cycle;
  finding.text = std::move(text);
  finding.parties = std::move(parties);
  const auto number = static_cast<std::uint32_t>(findings_.all().size());
  findings_.add({number, 3, 0}, std::move(finding));
}

bool Checker::wait_at_barriers(std::uint64_t cycle) {
  bool any = false;
  for (unsigned b = 0; b < Events::kBarriers; ++b) {
    std::vector<Party> parties;
    for (unsigned h = 0; h < names_.size(); ++h) {
      const Events::Waiting& waiting = events_.waiting(h);
      if (waiting.waits && in_barriers(waiting.offset) && barrier_of(waiting.offset) == b) {
        parties.push_back(waiter(h));
      }
    }
    if (parties.empty()) {
      continue;
    }
    any = true;
    const Events::Barrier& barrier = events_.barrier(b);
    for (std::uint32_t left = barrier.trigger & ~barrier.arrived; left != 0; left &= left - 1) {
      parties.push_back(missing(static_cast<unsigned>(std::countr_zero(left))));
    }
    told(Kind::kDeadlock,
         "barrier " + std::to_string(b) + " mask " + hex(barrier.trigger) + " status " +
             hex(barrier.arrived),
         std::move(parties), cycle, barrier.trigger == 0 ? "the barrier's mask was never set" : "");
  }
  return any;
}

bool Checker::wait_for_mutex(std::uint64_t cycle) {
  std::vector<Party> parties;
  for (unsigned h = 0; h < names_.size(); ++h) {
    if (events_.waiting(h).waits && at_mutex(events_.waiting(h).offset)) {
      parties.push_back(waiter(h));
    }
  }
  if (parties.empty()) {
    return false;
  }
  if (const unsigned owner = events_.mutex_owner(); owner < names_.size()) {
    parties.push_back(missing(owner));
    parties.back().detail += ", has the mutex";
    parties.push_back({names_[owner], "lock", pc_of(events_.mutex_taken()), "", 0});
  }
  told(Kind::kDeadlock, "mutex", std::move(parties), cycle, "");
  return true;
}

// Those alone that began, or that never did.
bool Checker::wait_for_events(std::uint64_t cycle, bool began) {
  bool any = false;
  for (unsigned h = 0; h < names_.size(); ++h) {
    const Events::Waiting& waiting = events_.waiting(h);
    if (!waiting.waits || in_barriers(waiting.offset) || at_mutex(waiting.offset) ||
        at_dispatch(waiting.offset) || events_.never_began(h) == began) {
      continue;
    }
    any = true;
    bool lost = false;
    for (const Events::Lost& one : events_.lost()) {
      if (one.target == h && (waiting.mask >> one.event & 1) != 0 && !lost) {
        lost = true;
        Party sender = party(one.by, true, 0);
        sender.access = "trigger";
        told(Kind::kLost, event_name(one.event) + " of " + names_[h],
             {std::move(sender), waiter(h)}, cycle,
             "sent while the one before was pending: the two became one");
      }
    }
    if (lost) {
      continue;
    }
    std::string where;
    for (std::uint32_t left = waiting.mask; left != 0; left &= left - 1) {
      where +=
          (where.empty() ? "" : ", ") + event_name(static_cast<unsigned>(std::countr_zero(left)));
    }
    told(Kind::kDeadlock, (where.empty() ? "no event" : where) + " of " + names_[h], {waiter(h)},
         cycle, where.empty() ? "its mask lets nothing through" : "nobody sends it");
  }
  return any;
}

// MCHAN keeps who asks for an id waiting until one is freed.
bool Checker::wait_for_ids(std::uint64_t cycle) {
  std::vector<Party> parties;
  for (unsigned h = 0; h < names_.size(); ++h) {
    const DataAccess& access = platform_->core(h).access();
    const Routed routed = platform_->map().route(access.address);
    if (routed.route == Route::kDmaControl && !access.write &&
        engines_->waits_for_id(h, routed.offset, access.when.raw())) {
      parties.push_back({names_[h], "wait", platform_->core(h).pc(), "", std::uint64_t{1} << h});
    }
  }
  if (parties.empty()) {
    return false;
  }
  told(Kind::kDma, "MCHAN CMD", std::move(parties), cycle,
       "all 16 ids are reserved, their transfers are over and nobody frees one");
  return true;
}

// Where a hart is when the run is cut off.
Party Checker::standing(unsigned hart) {
  const Core& core = platform_->core(hart);
  Party out = missing(hart);
  const Instr* const before = core.instruction(core.pc() - 4);
  if (events_.waiting(hart).waits || (before != nullptr && before->word == kWfi)) {
    out.access = "wait";
    return out;
  }
  out.access = "runs";
  out.detail.clear();
  if (const auto spin = waiting_->spins(hart)) {
    out = {out.unit, "spins", spin->pc, "waits for " + objects_.describe(spin->address), out.units};
  } else if (const Instr* const here = core.instruction(core.pc());
             here != nullptr && here->timing == TimingClass::kJal && here->imm == 0) {
    out.access = "spins";
  }
  return out;
}

// Nobody sleeps for good, but nobody may ever get on either.
void Checker::wait_in_loops(std::uint64_t cycle) {
  std::vector<Party> parties;
  std::string words;
  bool runs = false;
  bool spins = false;
  for (unsigned h = 0; h < names_.size(); ++h) {
    if (events_.never_began(h)) {
      continue;
    }
    Party stands = standing(h);
    if (stands.access == "wait" && events_.untouched(h)) {
      continue;  // not in use
    }
    parties.push_back(std::move(stands));
    runs = runs || parties.back().access == "runs";
    spins = spins || parties.back().access == "spins";
  }
  if (spins) {
    told(Kind::kLivelock, "every core", std::move(parties), cycle,
         runs ? "the run is cut off here" : "the run is cut off here, and all wait",
         runs ? Severity::kNote : Severity::kWarning);
  }
}

void Checker::cut_off(Cycle now) {
  if (!wait_for_ids(now.raw())) {
    wait_in_loops(now.raw());
  }
}

void Checker::asleep(Cycle now) {
  const std::uint64_t cycle = now.raw();
  bool any = wait_at_barriers(cycle);
  any = wait_for_mutex(cycle) || any;
  any = wait_for_events(cycle, true) || any;
  any = wait_for_ids(cycle) || any;
  // Cores that a program does not use explain nothing where something else does.
  any = any || wait_for_events(cycle, false);
  if (any) {
    return;
  }
  std::vector<Party> parties;
  for (unsigned h = 0; h < names_.size(); ++h) {
    parties.push_back(missing(h));
  }
  told(Kind::kDeadlock, "every core", std::move(parties), cycle, "nobody is left to wake another");
}

}  // namespace etude::check
