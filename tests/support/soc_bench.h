// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "models/base/pulp_map_regs.h"
#include "models/dma/soc_dma.h"
#include "models/extmem/flash.h"
#include "models/extmem/hyperram.h"
#include "models/l2/l2_memory.h"
#include "models/l2/soc_bus.h"
#include "models/l2/tlm_axi_port.h"

namespace etude::test {

/// The SoC beside the cluster, wired and elaborated, at 300 MHz (3.333 ns a cycle). To be used
/// inside in_child().
struct SocBench {
  explicit SocBench(const L2Config& l2_config = {}, const HyperramConfig& hyperram_config = {},
                    const FlashConfig& flash_config = {})
      : l2("l2", l2_config, clock),
        hyperram("hyperram", hyperram_config, clock),
        flash("flash", flash_config, clock),
        bus("bus", l2_config.size, hyperram_config.size, flash_config.size) {
    bus.out_l2_.bind(l2.in_bus_);
    bus.out_hyperram_.bind(hyperram.in_bus_);
    bus.out_flash_.bind(flash.in_bus_);
    cores.out_bus_.bind(bus.in_port(BusInitiator::kCores));
    icache.out_bus_.bind(bus.in_port(BusInitiator::kIcache));
    dma.out_bus_.bind(bus.in_port(BusInitiator::kClusterDma));
    soc_dma.out_bus_.bind(bus.in_port(BusInitiator::kSocDma));
    sc_core::sc_start(sc_core::SC_ZERO_TIME);
  }

  /// First beat of a read of `bytes` that `port` asks for in cycle `ar`.
  std::uint64_t read(TlmAxiPort& port, std::uint32_t address, std::size_t bytes, std::uint64_t ar) {
    std::vector<std::uint8_t> data(bytes);
    return port.read(Address{address}, data, Cycle{ar}).raw();
  }
  std::uint64_t write(TlmAxiPort& port, std::uint32_t address, std::size_t bytes,
                      std::uint64_t first, std::uint64_t last) {
    const std::vector<std::uint8_t> data(bytes, 0xA5);
    return port.write(Address{address}, data, {}, Cycle{first}, Cycle{last}).raw();
  }
  /// Launches a transfer in cycle `now`; returns its id.
  std::uint32_t launch(std::uint32_t source, std::uint32_t destination, std::uint32_t bytes,
                       std::uint64_t now, std::uint32_t rows = 1, std::uint32_t stride = 0) {
    soc_dma.write_register(ETUDE_SOC_DMA_SRC, source, Cycle{now});
    soc_dma.write_register(ETUDE_SOC_DMA_DST, destination, Cycle{now});
    soc_dma.write_register(ETUDE_SOC_DMA_LEN, bytes, Cycle{now});
    soc_dma.write_register(ETUDE_SOC_DMA_STRIDE, stride, Cycle{now});
    soc_dma.write_register(ETUDE_SOC_DMA_REPS, rows, Cycle{now});
    return soc_dma.read_register(ETUDE_SOC_DMA_START, Cycle{now}).value_or(~0u);
  }
  /// Steps the SoC DMA until it is idle; the cycle of each completion. `every` cycle, or only those
  /// that it names.
  std::vector<std::uint64_t> drain(std::uint64_t now, bool every = false) {
    std::vector<std::uint64_t> done;
    while (!soc_dma.idle()) {
      now = every ? now + 1 : soc_dma.next_activity().raw();
      for (unsigned n = soc_dma.step(Cycle{now}); n > 0; --n) {
        done.push_back(now);
      }
    }
    return done;
  }

  ClusterClock clock{300e6};
  L2Memory l2;
  Hyperram hyperram;
  Flash flash;
  SocBus bus;
  TlmAxiPort cores{"cores", BusInitiator::kCores, clock};
  TlmAxiPort icache{"icache", BusInitiator::kIcache, clock};
  TlmAxiPort dma{"dma", BusInitiator::kClusterDma, clock};
  SocDma soc_dma{"soc_dma", SocDmaConfig{}, clock};
};

using Numbers = std::vector<std::uint64_t>;

}  // namespace etude::test
