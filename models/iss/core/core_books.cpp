// SPDX-License-Identifier: Apache-2.0
// What a core has counted, and how it takes back what lies behind the end of a run.
#include <algorithm>
#include <stdexcept>

#include "models/iss/core/core.h"

namespace etude {

std::uint64_t Core::instructions() const {
  std::uint64_t sum = 0;
  for (const Counter& counter : retired_) {
    sum += counter.value;
  }
  return sum - retired(TimingClass::kIllegal);
}

std::uint64_t Core::busy_cycles() const { return instructions() + retired(TimingClass::kIllegal); }

// From the end back: the straight instructions are walked once more to find their classes.
void Core::close_books(Cycle end) {
  while (ex_free_ > end.raw()) {
    if (history_.empty()) {
      throw std::logic_error("a core has booked more than its history tells");
    }
    const History::Entry entry = history_.last();
    history_.drop_last();
    const auto cycles =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(entry.cycles, ex_free_ - end.raw()));
    ex_free_ -= cycles;
    switch (entry.kind) {
      case History::Kind::kStall:
        stalls_[entry.code] -= cycles;
        break;
      case History::Kind::kRetired:
        --retired_[entry.code].value;
        state_.pc = entry.pc;
        break;
      case History::Kind::kStraight: {
        std::uint32_t pc = entry.pc;
        for (std::uint32_t i = 0; i < entry.cycles; ++i) {
          const Instr& instr = *decode_.at(pc);
          if (i == entry.cycles - cycles) {
            state_.pc = pc;
          }
          if (i >= entry.cycles - cycles) {
            --retired_[static_cast<unsigned>(instr.timing)].value;
          }
          pc += instr.length;
        }
        break;
      }
    }
    if (cycles != entry.cycles) {  // its first part stays
      if (entry.kind == History::Kind::kStall) {
        history_.stalled(static_cast<StallReason>(entry.code), entry.cycles - cycles);
      } else {
        history_.straight(entry.pc, entry.cycles - cycles);
      }
    }
  }
}

void Core::report_retired(const Instr& instr, std::uint64_t enter, std::uint64_t leave) {
  retire_hook_(retire_context_, *this, Retired{Cycle{enter}, Cycle{leave}, state_.pc, &instr});
}

void Core::visit_counters(const CounterVisitor& visit) const {
  const std::uint64_t packed[] = {state_.packed_addmul, state_.packed_other};
  for (const Counter& counter : retired_) {
    // Packed operations pass the pipeline as FP additions and comparisons, and are told apart here.
    const auto timing = static_cast<TimingClass>(&counter - retired_.data());
    Counter scalar = counter;
    scalar.value -= timing == TimingClass::kFpAddMul  ? packed[0]
                    : timing == TimingClass::kFpOther ? packed[1]
                                                      : 0;
    visit(scalar);
  }
  if (state_.isa.xfvec) {
    visit({"fp_packed", "instructions", "packed binary16 operations", CounterRole::kEvent,
           packed[0] + packed[1]});
    visit({"fp16_elements", "elements",
           "additions, multiplications, fused ones in packed operations", CounterRole::kEvent,
           2 * packed[0]});
    visit({"fp16_other", "elements", "minima and maxima in packed operations", CounterRole::kEvent,
           2 * packed[1]});
  }
}

}  // namespace etude
