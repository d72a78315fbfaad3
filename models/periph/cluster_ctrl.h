// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <systemc>

#include "models/base/types.h"

namespace etude {

/// The cluster control unit: boot addresses, fetch enable, end of computation, and the arbitration
/// register of the shared memory. Offsets: models/base/pulp_map_regs.h.
class ClusterCtrl : public sc_core::sc_module {
 public:
  static constexpr unsigned kMaxCores = 16;

  explicit ClusterCtrl(const sc_core::sc_module_name& name);
  /// `config` is the value of CLUSTER_CFG at reset: bit 8 priority inverted, bits 7:0 maximum
  /// stall.
  void reset(std::uint32_t config);
  std::uint32_t read(std::uint32_t offset) const;
  void write(std::uint32_t offset, std::uint32_t value);

  /// Value of CLUSTER_CFG; the cluster hands it to the arbiter after each write.
  std::uint32_t hci_config() const { return config_; }
  /// Address that core `n` starts from when it is released.
  Address boot_address(unsigned n) const { return Address{boot_.at(n)}; }
  /// One bit per core: fetching enabled.
  std::uint32_t fetch_enable() const { return fetch_enable_; }
  /// True once the program has written EOC; `return_value()` is then its exit status.
  bool ended() const { return ended_; }
  std::uint32_t return_value() const { return return_value_ & 0x7FFFFFFFu; }

 private:
  std::array<std::uint32_t, kMaxCores> boot_{};
  std::uint32_t config_{0};
  std::uint32_t fetch_enable_{0};
  std::uint32_t clock_gate_{0};
  std::uint32_t return_value_{0};
  bool ended_{false};
};

}  // namespace etude
