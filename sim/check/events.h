// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "models/iss/core/core_port.h"
#include "sim/check/order.h"

namespace etude::check {

/// The event unit as a source of order: which hart has handed what it did to which other, by
/// barriers, events, the mutex and the dispatch FIFO. It sees the harts' accesses alone: what they
/// hand on when they ask, what they take over when they are answered.
class Events {
 public:
  /// What a hart last synchronised with, for messages.
  struct Meeting {
    std::uint32_t clock;  ///< of the hart, from which on it holds
    std::uint8_t barrier;
    std::uint32_t mask;
  };
  /// A software event that was sent while the one before was pending.
  struct Lost {
    unsigned event, target;
    Stamp by;
  };
  /// A hart that waits, and for what.
  struct Waiting {
    bool waits{false};
    std::uint32_t offset{0};  ///< of the register
    std::uint32_t pc{0};
    std::uint32_t mask{0};  ///< events that would end it
  };
  /// A barrier as its registers stand.
  struct Barrier {
    std::uint32_t trigger{0}, target{0}, arrived{0};
    std::array<Order, kHarts> came;    ///< of each that has arrived: what it had done
    std::array<Order, kHarts> passed;  ///< of each that had arrived when it last was complete: all
  };

  /// What the events of other units mean is up to the caller: taken() has the bits.
  void begin(unsigned harts, std::vector<Thread>& threads);

  /// A hart asks at `offset` of its private port.
  void asks(unsigned hart, const DataAccess& access, std::uint32_t offset, std::uint32_t pc,
            std::uint64_t cycle);
  /// It is answered, in the cycle of the grant. Returns the events that it has taken note of, a bit
  /// each.
  std::uint32_t answered(unsigned hart, const DataAccess& access, std::uint32_t offset,
                         std::uint32_t rdata, std::uint64_t cycle);
  /// An access through the peripheral interconnect; `offset` is from ETUDE_EU_PERIPH_BASE.
  void peripheral(unsigned hart, const DataAccess& access, std::uint32_t offset, std::uint32_t pc,
                  std::uint32_t rdata, std::uint64_t cycle);
  /// `hart` was interrupted by the events `lines`.
  void interrupted(unsigned hart, std::uint32_t lines) {
    take(hart, lines);
    units_[hart].pending &= ~lines;
  }

  /// True if `hart` has waited from its start on, and nobody has sent it anything nor counts on it.
  bool never_began(unsigned hart) const { return waiting_[hart].waits && untouched(hart); }
  /// True if `hart` has handed nothing on, and nobody has sent it anything nor counts on it.
  bool untouched(unsigned hart) const;
  const Waiting& waiting(unsigned hart) const { return waiting_[hart]; }
  const Barrier& barrier(unsigned number) const { return barriers_[number]; }
  static constexpr unsigned kBarriers = 16;
  const std::vector<Lost>& lost() const { return lost_; }
  /// The hart that has the mutex; kHarts if none has.
  unsigned mutex_owner() const { return owner_; }
  Stamp mutex_taken() const { return taken_; }
  /// The barrier that `hart` had passed last when its clock was `clock`; null if none.
  const Meeting* meeting(unsigned hart, std::uint32_t clock) const;

 private:
  struct HartUnit {
    std::uint32_t mask{0}, sw_mask{0}, pending{0};
    std::uint32_t cleared{0};    ///< bits that the end of its last wait clears, ...
    std::uint64_t clears_at{0};  ///< ... in this cycle, whatever sets them in it
    bool woken{false};           ///< a wait was answered, or an event sent
    std::array<Order, 32> bits;  ///< what comes with each event
  };
  struct Push {
    std::uint32_t left;
    Order order;
  };

  void write_core_register(unsigned hart, std::uint32_t offset, std::uint32_t data);
  void write_barrier(unsigned hart, unsigned barrier, std::uint32_t reg, std::uint32_t data);
  void send(unsigned by, unsigned event, std::uint32_t targets, std::uint32_t pc,
            std::uint64_t cycle);
  void arrive(unsigned barrier, std::uint32_t cores, const Order& order);
  void read_status(unsigned hart, unsigned barrier, std::uint32_t status);
  void take(unsigned hart, std::uint32_t bits);
  void pop(unsigned hart);

  unsigned harts_{0};
  std::vector<Thread>* threads_{nullptr};
  std::vector<HartUnit> units_;
  std::array<Barrier, kBarriers> barriers_;
  std::array<Waiting, kHarts> waiting_;
  std::array<std::vector<Meeting>, kHarts> meetings_;
  std::array<std::uint8_t, kHarts> met_{};  ///< barrier that a wait arrived at
  Order mutex_;
  unsigned owner_{kHarts};
  Stamp taken_{0};
  std::uint32_t team_{0};
  std::deque<Push> pushes_;
  std::vector<Lost> lost_;
};

}  // namespace etude::check
