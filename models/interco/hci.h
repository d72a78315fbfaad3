// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <systemc>

#include "models/base/counter.h"
#include "models/interco/hci_config.h"

namespace etude {

/// Sizes of the interconnect; they follow from the cluster's cores, memory and accelerator.
struct HciShape {
  unsigned ports = 16;  ///< of the log branch: workers, [controller], ext, DMA
  static constexpr Range kPorts{.min = 1, .max = 24};
  unsigned banks = 16;                                                       ///< as the memory has
  static constexpr Range kBanks{.min = 1, .max = 64, .power_of_two = true};  ///< one 64-bit mask
  unsigned wide_banks = 9;  ///< consecutive banks that one access of the wide port claims (port
                            ///< bytes / 4); 0..banks
};

/// What is asked for in one cycle. A refused master repeats its request unchanged (the protocol).
struct HciRequests {
  static constexpr auto kMaxPorts = static_cast<unsigned>(HciShape::kPorts.max);
  std::uint32_t mask{0};                       ///< bit i: port i of the log branch requests
  std::array<std::uint8_t, kMaxPorts> bank{};  ///< bank of each requesting port
  bool wide{false};                            ///< the accelerator requests
  bool wide_write{false};                      ///< ... a write (for the counters only)
  std::uint8_t wide_bank{0};                   ///< first bank of its access
};

/// What is granted in the same cycle.
struct HciGrants {
  std::uint32_t mask{0};            ///< bit i: port i of the log branch is served
  bool wide{false};                 ///< the accelerator is served (all its banks are its own)
  std::uint64_t wide_banks_won{0};  ///< bit b: bank b was accessed for the accelerator, also when
                                    ///< the access as a whole was refused
};

/// The heterogeneous cluster interconnect: arbitration of the TCDM banks between the log branch
/// (one tree arbiter per bank) and the accelerator's wide port (all or nothing), and between the
/// two. Source: hci 2a5a508 (and v2.4.0 for HciConfig::Arbiter::kWindow), cluster_interconnect
/// 2967d8d, common_cells rr_arb_tree; the rules are written out in docs/models/interco.md.
class Hci : public sc_core::sc_module {
 public:
  /// Throws UserError if the shape or a parameter is out of range.
  Hci(const sc_core::sc_module_name& name, const HciConfig& config, const HciShape& shape);

  /// State, priority and counters as after reset.
  void reset();
  /// One clock cycle: requests up, grants back, state advanced.
  HciGrants arbitrate(const HciRequests& requests) {
    if (requests.wide || !log_alone()) {
      return arbitrate_contended(requests);
    }
    std::uint64_t banks = 0;
    std::uint64_t shared = 0;  // wanted twice
    for (std::uint32_t left = requests.mask; left != 0; left &= left - 1) {
      const std::uint64_t bank = std::uint64_t{1} << requests.bank[std::countr_zero(left)];
      shared |= banks & bank;
      banks |= bank;
    }
    if (shared != 0) {
      return arbitrate_contended(requests);
    }
    // Nobody competes: each master wins its bank whatever the pointer is, and is the next one.
    leave_idle();
    for (std::uint32_t left = requests.mask; left != 0; left &= left - 1) {
      const int port = std::countr_zero(left);
      rr_[requests.bank[port]] = static_cast<std::uint8_t>(port);
      ++log_grants_;
    }
    HciGrants grants;
    grants.mask = requests.mask;
    return grants;
  }
  /// Requests that stay up by themselves until they are served, as the protocol wants it anyway;
  /// for a loop that would otherwise repeat the refused ones in each cycle. Whoever raises requests
  /// calls arbitrate_raised() in each cycle in which one is up, and arbitrate() never.
  void raise(unsigned port, unsigned bank) {
    const std::uint64_t bit = std::uint64_t{1} << bank;
    const std::uint32_t mine = 1u << port;
    up_ports_ |= mine;
    ++log_grants_;
    if ((up_banks_ & bit) == 0) {
      up_banks_ |= bit;
      stand_alone(bank, mine, port);
    } else {
      join(bank, mine, shared_banks_, shared_ports_);
    }
  }
  /// raise() for some ports one after the other; they are up when it goes.
  class Raising {
   public:
    explicit Raising(Hci& hci)
        : hci_(hci),
          banks_(hci.up_banks_),
          shared_banks_(hci.shared_banks_),
          shared_ports_(hci.shared_ports_) {}
    Raising(const Raising&) = delete;
    Raising& operator=(const Raising&) = delete;
    ~Raising() {
      hci_.up_banks_ = banks_;
      hci_.up_ports_ |= ports_;
      hci_.shared_banks_ = shared_banks_;
      hci_.shared_ports_ = shared_ports_;
      hci_.log_grants_ += count_;
    }
    void add(unsigned port, unsigned bank) {
      const std::uint64_t bit = std::uint64_t{1} << bank;
      const std::uint32_t mine = 1u << port;
      ports_ |= mine;
      ++count_;
      if ((banks_ & bit) == 0) {
        banks_ |= bit;
        hci_.stand_alone(bank, mine, port);
        return;
      }
      hci_.join(bank, mine, shared_banks_, shared_ports_);
    }

   private:
    Hci& hci_;
    std::uint64_t banks_, shared_banks_;
    std::uint32_t shared_ports_, ports_{0};
    unsigned count_{0};
  };
  /// Ports whose request is up.
  std::uint32_t raised() const { return up_ports_; }
  /// One clock cycle of the raised requests and the accelerator's (of `requests` only what is said
  /// of the wide port counts): the same grants and the same state as arbitrate() with all of them.
  HciGrants arbitrate_raised(const HciRequests& requests) {
    if (requests.wide || !log_alone()) {
      return arbitrate_raised_branches(requests);
    }
    // Whoever is alone at its bank has it: no more than a mask, however many they are.
    leave_idle();
    HciGrants grants;
    grants.mask = up_ports_ & ~shared_ports_;
    up_banks_ = shared_banks_;
    if (shared_banks_ != 0) {
      grants.mask |= serve_shared<false>(shared_banks_);
    }
    end_raised(grants.mask);
    return grants;
  }
  /// Nothing is up, and whoever comes now alone is served at once.
  bool at_rest() const { return up_ports_ == 0 && log_alone(); }
  /// A port has its bank in a cycle in which no other one wants that bank nor the accelerator any:
  /// the same state as arbitrate() would leave. at_rest() must hold.
  void serve_alone(unsigned port, unsigned bank) {
    leave_idle();
    rr_[bank] = static_cast<std::uint8_t>(port);
    ++log_grants_;
  }
  /// `n` cycles in which nobody requests anything: the same as n empty arbitrate() calls.
  void idle_cycles(std::uint64_t n) {
    if (locked_ != 0) {
      idle_cycles_locked(n);
    } else if (n != 0) {
      leave_idle();
    }
  }
  /// Counts `n` accesses of the accelerator that were granted in cycles without any other request
  /// (they leave the same state as idle cycles).
  void count_wide(std::uint64_t n) { wide_grants_ += n; }
  /// Writes the fields of the cluster control register: `invert` gives the accelerator the high
  /// side, `max_stall` (0..255, 0 = no limit) bounds the low side's wait. The state stays.
  void set_priority(bool invert, unsigned max_stall);

  bool invert() const { return invert_; }
  unsigned max_stall() const { return max_stall_; }
  const HciShape& shape() const { return shape_; }
  /// Stall counter of the arbiter between the branches, before the next edge.
  unsigned stall_counter() const { return ctr_; }
  /// Round-robin pointer of `bank`, before the next edge.
  unsigned round_robin(unsigned bank) const {
    return ((up_banks_ & ~shared_banks_) >> bank & 1) != 0 ? before_[bank] : rr_[bank];
  }
  /// True if the requests of `bank` are frozen because the accelerator owned it.
  bool locked(unsigned bank) const { return (locked_ >> bank & 1) != 0; }

  void visit_counters(const CounterVisitor& visit) const;

 private:
  static constexpr unsigned kNoRelease = 256;

  // The log branch, if the wide port asks for nothing, gets all it wants, and nothing stays locked.
  bool log_alone() const { return locked_ == 0 && ctr_ < release_at_; }
  // A cycle in which one side is empty.
  void leave_idle() {
    if (config_.arbiter == HciConfig::Arbiter::kStall) {
      ctr_ = 0;
    }
  }
  HciGrants arbitrate_raised_branches(const HciRequests& requests);
  template <bool kLocked>
  std::uint32_t serve_shared(std::uint64_t banks);
  // The only request that is up at `bank`: its pointer is already what it will be once it is
  // served.
  void stand_alone(unsigned bank, std::uint32_t ports, unsigned port) {
    up_[bank] = ports;
    before_[bank] = rr_[bank];
    rr_[bank] = static_cast<std::uint8_t>(port);
  }
  // One more request at a bank where others are up.
  void join(unsigned bank, std::uint32_t mine, std::uint64_t& shared_banks,
            std::uint32_t& shared_ports) {
    const std::uint64_t bit = std::uint64_t{1} << bank;
    if ((shared_banks & bit) == 0) {
      shared_banks |= bit;
      shared_ports |= up_[bank];
      rr_[bank] = before_[bank];
    }
    shared_ports |= mine;
    up_[bank] |= mine;
  }
  void end_raised(std::uint32_t granted) {
    up_ports_ ^= granted;
    if (up_ports_ != 0) {
      log_refused_ += ones(up_ports_);
    }
  }
  // Set bits, without a call where the host has no instruction for it.
  static unsigned ones(std::uint32_t bits) {
    bits -= bits >> 1 & 0x55555555u;
    bits = (bits & 0x33333333u) + (bits >> 2 & 0x33333333u);
    return (((bits + (bits >> 4)) & 0x0f0f0f0fu) * 0x01010101u) >> 24;
  }
  void idle_cycles_locked(std::uint64_t n);
  void count_wide_port(const HciRequests& requests, std::uint64_t wide, HciGrants& grants);
  HciGrants arbitrate_contended(const HciRequests& requests);
  HciGrants arbitrate_branches(const HciRequests& requests, std::uint64_t log, unsigned count);
  std::uint32_t serve(std::uint64_t banks);
  std::uint32_t serve_bank(int bank, std::uint32_t wanted);
  void split(std::uint64_t log, std::uint64_t wide, std::uint64_t& log_won,
             std::uint64_t& wide_won);
  static std::uint32_t winner(std::uint32_t requests, unsigned rr);

  HciConfig config_;
  HciShape shape_;
  std::array<std::uint64_t, 64> wide_mask_{};  // banks of an access of the wide port, by the first
  bool invert_;
  unsigned max_stall_;
  unsigned release_at_;  // stall counter from which the log branch gets nothing

  std::array<std::uint32_t, 64> wanted_{};  // per bank, within one cycle; zero between cycles
  std::array<std::uint32_t, 64> up_{};      // per bank of up_banks_: ports with a raised request
  std::uint64_t up_banks_{0};
  std::uint64_t shared_banks_{0};  // of them those with more than one request
  std::uint32_t up_ports_{0};
  std::uint32_t shared_ports_{0};  // of them those at such banks
  std::array<std::uint8_t, 64> rr_{};
  std::array<std::uint8_t, 64> before_{};   // of a bank with one request: rr_ until it is served
  std::array<std::uint32_t, 64> frozen_{};  // requests of a locked bank (req_q)
  std::uint64_t locked_{0};
  std::uint8_t ctr_{0};

  // Raised requests are counted when they are raised: visit_counters() takes off what is still up.
  Counter log_grants_{"log_grants", "accesses", "Accesses granted to cores, ext and DMA"};
  Counter log_refused_{"log_refused", "accesses",
                       "Request cycles of cores, ext and DMA that found the bank taken"};
  Counter wide_grants_{"wide_grants", "accesses", "Accesses granted to the accelerator"};
  Counter wide_refused_{"wide_refused", "accesses",
                        "Request cycles of the accelerator without all its banks"};
  Counter wasted_reads_{"wasted_reads", "bank accesses",
                        "Banks read for the accelerator in cycles in which it was refused"};
  Counter partial_writes_{"partial_writes", "bank accesses",
                          "Banks written for the accelerator in cycles in which it was refused"};
};

}  // namespace etude
