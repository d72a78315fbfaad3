// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace etude {

/// One hardware barrier: cores arrive in `status`; when it equals the trigger mask, the barrier
/// event goes to the target cores for one cycle and the status is cleared. hw_barrier_unit.sv.
struct HwBarrier {
  std::uint32_t trigger_mask{0};
  std::uint32_t target_mask{0};
  std::uint32_t status{0};

  bool matched() const { return trigger_mask != 0 && status == trigger_mask; }
};

/// The hardware mutex: the lowest-numbered waiting core gets it, whatever the order of arrival; the
/// data of the last unlock is the message that the next owner reads. hw_mutex_unit.sv.
class HwMutex {
 public:
  /// One cycle: `lock` and `unlock` are the cores that ask in it, `message` the OR of the stored
  /// data. Returns the core (one bit) that gets the mutex event in this cycle, or 0.
  std::uint32_t step(std::uint32_t lock, std::uint32_t unlock, std::uint32_t message) {
    const std::uint32_t asking = waiting_ | lock;
    std::uint32_t winner = 0;
    if (!locked_ && lock != 0) {
      winner = asking & (~asking + 1);
      locked_ = true;
    } else if (locked_ && unlock != 0) {
      winner = asking & (~asking + 1);
      locked_ = winner != 0;
    }
    waiting_ = asking & ~winner;
    if (unlock != 0) {
      message_ = message;
    }
    return winner;
  }
  std::uint32_t message() const { return message_; }

 private:
  bool locked_{false};
  std::uint32_t waiting_{0};
  std::uint32_t message_{0};
};

/// The dispatch FIFO: each entry carries the team that was configured when it was pushed, each core
/// has its own read pointer and skips what is not for it, one entry per cycle. There is no
/// back-pressure: a push over an unread entry replaces it. hw_dispatch.sv.
class DispatchFifo {
 public:
  DispatchFifo(unsigned cores, unsigned depth)
      : entries_(depth), read_(cores, 0), index_mask_(depth - 1) {}

  /// One cycle: `pop` are the cores that ask in it, `ack` those that wake in it. Returns the cores
  /// whose dispatch event line is up.
  std::uint32_t step(std::uint32_t pop, std::uint32_t ack) {
    if ((pop | pending_ | advance_) == 0) {
      moved_ = false;
      return 0;
    }
    std::uint32_t events = 0;
    std::uint32_t asking = pop | pending_;
    const std::uint32_t taken = pending_ & ack;
    moved_ = (asking != pending_) || taken != 0 || advance_ != 0;
    for (std::uint32_t left = asking | advance_; left != 0; left &= left - 1) {
      const unsigned core = static_cast<unsigned>(std::countr_zero(left));
      const std::uint32_t bit = 1u << core;
      Entry& entry = entries_[read_[core]];
      unsigned next = read_[core];
      if ((asking & bit) != 0) {
        if ((entry.team & bit) != 0) {
          events |= bit;
        } else if (read_[core] != write_) {
          next = (read_[core] + 1) & index_mask_;
        }
      }
      if ((taken & bit) != 0) {
        entry.team &= ~bit;
      }
      if ((advance_ & bit) != 0) {
        next = (read_[core] + 1) & index_mask_;
      }
      moved_ = moved_ || next != read_[core];
      read_[core] = next;
    }
    pending_ = asking & ~taken;
    advance_ = taken;
    return events;
  }
  /// A store pushes in this cycle, after step().
  void push(std::uint32_t value) {
    entries_[write_] = {value, team_};
    write_ = (write_ + 1) & index_mask_;
  }
  void set_team(std::uint32_t team) { team_ = team; }
  std::uint32_t value(unsigned core) const { return entries_[read_[core]].value; }
  /// Something changed in the last step, so that the next one may change something too.
  bool moved() const { return moved_; }

 private:
  struct Entry {
    std::uint32_t value{0};
    std::uint32_t team{0};
  };
  std::vector<Entry> entries_;
  std::vector<unsigned> read_;
  unsigned index_mask_;
  unsigned write_{0};
  std::uint32_t team_{0};
  std::uint32_t pending_{0};
  std::uint32_t advance_{0};
  bool moved_{false};
};

}  // namespace etude
