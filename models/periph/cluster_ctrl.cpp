// SPDX-License-Identifier: Apache-2.0
#include "models/periph/cluster_ctrl.h"

#include "models/base/pulp_map_regs.h"

namespace etude {

ClusterCtrl::ClusterCtrl(const sc_core::sc_module_name& name) : sc_module(name) {}

void ClusterCtrl::reset(std::uint32_t config) {
  boot_.fill(0);
  config_ = config;
  fetch_enable_ = 0;
  clock_gate_ = 0;
  return_value_ = 0;
  ended_ = false;
}

std::uint32_t ClusterCtrl::read(std::uint32_t offset) const {
  switch (offset) {
    case ETUDE_CTRL_EOC:
      return ended_ ? 1u : 0u;
    case ETUDE_CTRL_FETCH_EN:
      return fetch_enable_;
    case ETUDE_CTRL_CLUSTER_CFG:
      return config_;
    case ETUDE_CTRL_CLK_GATE:
      return clock_gate_;
    case ETUDE_CTRL_RETURN:
      return return_value_;
    default:
      break;
  }
  const std::uint32_t index = (offset - ETUDE_CTRL_BOOTADDR0) / 4;
  return offset >= ETUDE_CTRL_BOOTADDR0 && index < kMaxCores ? boot_[index] : 0;
}

void ClusterCtrl::write(std::uint32_t offset, std::uint32_t value) {
  switch (offset) {
    case ETUDE_CTRL_EOC:
      ended_ = (value & 1u) != 0;
      return;
    case ETUDE_CTRL_FETCH_EN:
      fetch_enable_ = value;
      return;
    case ETUDE_CTRL_CLUSTER_CFG:
      config_ = value & 0x1FFu;
      return;
    case ETUDE_CTRL_CLK_GATE:
      clock_gate_ = value;
      return;
    case ETUDE_CTRL_RETURN:
      return_value_ = value;
      return;
    default:
      break;
  }
  const std::uint32_t index = (offset - ETUDE_CTRL_BOOTADDR0) / 4;
  if (offset >= ETUDE_CTRL_BOOTADDR0 && index < kMaxCores) {
    boot_[index] = value;
  }
}

}  // namespace etude
