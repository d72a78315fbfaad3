// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "models/base/range.h"
#include "models/base/types.h"
#include "models/dma/dma_config.h"
#include "models/extmem/extmem_config.h"
#include "models/icache/icache_config.h"
#include "models/interco/hci_config.h"
#include "models/iss/core/core_config.h"
#include "models/l2/l2_config.h"
#include "models/redmule/redmule_config.h"
#include "models/tcdm/tcdm_config.h"

namespace etude {

/// Which addresses exist and what answers there.
enum class MemoryMap {
  kPulp,       ///< models/base/pulp_map_regs.h
  kHtif,       ///< RAM at 0x80000000, tohost symbol (RISC-V ISA tests)
  kCoreBench,  ///< 64 KiB at 0, 64 KiB at 0x10000000, markers at 0x1000F000
};

/// Everything about one cluster, resolved: /platform/cluster.
struct ClusterConfig {
  unsigned cores = 8;  ///< workers, harts 0..cores-1
  static constexpr Range kCores{.min = 1, .max = 16};
  bool controller = true;   ///< hart `cores` interprets the task list
  unsigned first_hart = 0;  ///< mhartid of hart 0; PULP: 32 times the number of the cluster
  static constexpr Range kFirstHart{.max = 2016};
  Cycle peripheral_latency{3};  ///< from a core's request to the interconnect of the peripherals
  static constexpr Range kPeripheralLatency{.max = 1000};
  double clock_hz = 300e6;
  static constexpr Range kClock{.min = 1e6, .max = 5e9};
  CoreConfig core;  ///< /platform/cluster/isa, /fpu, /corev_cluster
  TcdmConfig tcdm;
  HciConfig hci;
  IcacheConfig icache;
  DmaConfig dma;
  RedmuleConfig redmule;

  unsigned harts() const { return cores + (controller ? 1u : 0u); }
  static constexpr Range kHarts{.min = 1, .max = 16};  ///< masks of the event unit have 16 bits
};

/// Everything about the simulated SoC, resolved: /platform.
struct PlatformConfig {
  MemoryMap map = MemoryMap::kPulp;
  ClusterConfig cluster;
  L2Config l2;
  HyperramConfig hyperram;
  FlashConfig flash;
};

}  // namespace etude
