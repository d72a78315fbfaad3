// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <deque>
#include <string>
#include <systemc>
#include <utility>
#include <vector>

#include "models/base/axi_port.h"
#include "models/base/counter.h"
#include "models/base/types.h"
#include "models/icache/icache_config.h"
#include "models/icache/shared_bank.h"

namespace etude {

/// The instruction cache of a cluster: one small cache per core, a banked shared level behind an
/// arbiter, refills through AXI. It models tags and timing; the words come from wherever the core
/// reads them. Source: the RTL of hier-icache and icache-intc (docs/models/icache.md).
///
/// A fetch that hit() finds costs what an ideal memory costs, and hit() changes nothing. For any
/// other one: request() in the cycle of its grant, then step() in every cycle from
/// next_activity(), until step() names the core: its word is valid in that cycle, and its next
/// fetch is granted in the following cycle at the earliest.
class Icache : public sc_core::sc_module {
 public:
  static constexpr unsigned kLineBytes = IcacheConfig::kLineBytes;

  /// `cores` private caches, 1..16. Throws UserError when a size is not a power of two.
  Icache(const sc_core::sc_module_name& name, const IcacheConfig& config, unsigned cores,
         AxiPort& memory);

  /// The private cache of `core` has the line of `address`.
  bool hit(unsigned core, std::uint32_t address) const {
    if (!config_.enabled) {
      return true;
    }
    const std::uint32_t line = address / kLineBytes;
    const std::uint32_t* set = private_set(core, line);
    for (const std::uint32_t* const end = set + config_.private_ways; set != end; ++set) {
      if (*set == line) {
        return true;
      }
    }
    return false;
  }
  /// Lines of these numbers have the same places in a private cache.
  bool same_set(std::uint32_t line, std::uint32_t other) const {
    return ((line ^ other) & (config_.private_sets - 1)) == 0;
  }
  /// How often lines were taken out of the private caches: what hit() found before may be gone
  /// since. Besides, a core's lines change only with its own missing fetches.
  unsigned flushes() const { return flushes_; }
  /// A fetch of `core` that hit() does not find is granted in cycle `now`. One per core at a time.
  void request(unsigned core, std::uint32_t address, Cycle now);
  /// One cycle. Returns the mask of cores whose missing fetch has its word in this cycle.
  std::uint32_t step(Cycle now);
  /// The first cycle in which anything can happen without new input; kNever when idle.
  Cycle next_activity() const {
    std::uint64_t next = changed_ ? last_ + 1 : kNever.raw();
    if (!bursts_.empty()) {
      next = std::min(next, std::max(bursts_.front().first + beats_, last_ + 1));
    }
    for (std::uint32_t left = looking_up_; left != 0; left &= left - 1) {
      next = std::min(next, cores_[static_cast<unsigned>(std::countr_zero(left))].since + 1);
    }
    return Cycle{next};
  }
  /// step() will read a line from memory.
  bool asks_memory() const { return wanting_memory_ != 0; }
  /// First cycle from `now` on in which step() may name `core`, whose missing fetch is under way;
  /// `now` is not stepped yet.
  Cycle earliest_answer(unsigned core, Cycle now) const {
    const CoreUnit& unit = cores_[core];
    switch (unit.state) {
      case CoreState::kAsking:
        return now + Cycle{2};
      case CoreState::kWaiting:
        return now + Cycle{1};
      case CoreState::kAnswered:
        return now;
      default:
        return Cycle{std::max(now.raw(), unit.since + 1) + 2};
    }
  }
  /// A missing fetch of `core` is under way.
  bool waiting(unsigned core) const { return cores_[core].state != CoreState::kIdle; }

  /// A store to a control register (offset from ETUDE_ICACHE_CTRL_BASE) in cycle `now`.
  void write_register(std::uint32_t offset, std::uint32_t value, Cycle now);
  std::uint32_t read_register(std::uint32_t offset) const;
  /// What the user should know (prefetch asked for); handed over once.
  std::vector<std::string> take_warnings();

  void reset();
  void visit_counters(const CounterVisitor& visit) const;

  Counter private_misses_{"private_misses", "fetches", "fetches that left a private cache"};
  Counter shared_hits_{"shared_hits", "lines", "lines found in a shared bank"};
  Counter refills_{"refills", "lines", "16-byte lines read from memory"};
  Counter bypasses_{"bypasses", "fetches", "fetches that went past the disabled cache"};
  Counter conflicts_{"conflicts", "core cycles",
                     "cycles a missing fetch waited for its bank to take it"};

 private:
  enum class CoreState { kIdle, kLookup, kAsking, kWaiting, kAnswered };
  struct CoreUnit {
    CoreState state{CoreState::kIdle};
    std::uint32_t line{0};
    unsigned way{0};
    std::uint64_t since{0};  ///< cycle of the grant
    std::uint64_t free{0};   ///< first cycle after a flush
    bool bypass{false};      ///< was asked for while the cache was off
    Lfsr8 lfsr;
  };
  struct Burst {
    unsigned bank;
    std::uint64_t first;  ///< cycle of the first beat, if nothing stalls
  };

  unsigned bank_of(std::uint32_t line) const { return line & (config_.shared_banks - 1); }
  const std::uint32_t* private_set(unsigned core, std::uint32_t line) const {
    return tags_.data() + (core * config_.private_sets + (line & (config_.private_sets - 1))) *
                              config_.private_ways;
  }
  std::uint32_t* private_set(unsigned core, std::uint32_t line) {
    return const_cast<std::uint32_t*>(std::as_const(*this).private_set(core, line));
  }
  void choose_way(unsigned core);
  void finish(unsigned core);
  void step_data_channel(std::uint64_t now);
  void step_address_channel(std::uint64_t now);
  void step_banks();
  void flush_private(std::uint64_t now);

  const IcacheConfig config_;
  AxiPort& memory_;
  std::vector<std::uint32_t> tags_;
  std::vector<CoreUnit> cores_;
  std::vector<SharedBank> banks_;
  std::vector<std::uint32_t> lines_;
  std::vector<std::uint32_t> asking_;  ///< cores, per bank
  std::deque<Burst> bursts_;
  unsigned beats_{0};                ///< taken of the first burst
  unsigned address_turn_{0};         ///< bank that goes first when both have an address
  std::uint32_t looking_up_{0};      ///< cores in CoreState::kLookup
  std::uint32_t answered_{0};        ///< ... in CoreState::kAnswered
  std::uint32_t wanting_memory_{0};  ///< banks whose refills wait for the address channel
  bool bypass_{false};
  bool changed_{false};
  std::uint64_t last_{0};
  bool prefetch_warned_{false};
  unsigned flushes_{0};
  std::vector<std::string> warnings_;
};

}  // namespace etude
