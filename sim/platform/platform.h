// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <systemc>
#include <vector>

#include "models/base/cluster_clock.h"
#include "models/base/pulp_map_regs.h"
#include "models/dma/cluster_dma.h"
#include "models/dma/soc_dma.h"
#include "models/event_unit/event_unit.h"
#include "models/extmem/flash.h"
#include "models/extmem/hyperram.h"
#include "models/icache/icache.h"
#include "models/interco/hci.h"
#include "models/iss/core/core.h"
#include "models/l2/l2_memory.h"
#include "models/l2/soc_bus.h"
#include "models/l2/tlm_axi_port.h"
#include "models/periph/clint.h"
#include "models/periph/cluster_ctrl.h"
#include "models/periph/timer.h"
#include "models/redmule/redmule.h"
#include "models/tcdm/tcdm.h"
#include "sim/config/platform_config.h"
#include "sim/platform/address_map.h"
#include "sim/platform/unit.h"

namespace etude {

/// One wired SoC: every component that the resolved configuration asks for, and nothing that moves
/// by itself (sim/engine owns time). The wiring of the whole simulator stands here and nowhere
/// else.
class Platform : public sc_core::sc_module {
 public:
  static constexpr unsigned kExtPorts =
      4;  ///< of the arbiter, between cores and DMA; idle (no fabric controller)

  Platform(const sc_core::sc_module_name& name, const PlatformConfig& config);
  ~Platform() override;

  const PlatformConfig& config() const { return config_; }
  const AddressMap& map() const { return map_; }
  bool is_pulp() const { return config_.map == MemoryMap::kPulp; }
  unsigned harts() const { return static_cast<unsigned>(cores_.size()); }
  std::uint32_t all_harts() const { return (1u << harts()) - 1u; }
  /// "core0".., and "controller" for the hart that interprets the task list.
  std::vector<std::string> hart_names() const;
  /// Length of a cluster cycle.
  sc_core::sc_time period() const { return clock_.period(); }

  Core& core(unsigned hart) { return *cores_[hart]; }
  const Core& core(unsigned hart) const { return *cores_[hart]; }
  Tcdm& tcdm() { return *tcdm_; }
  Hci& hci() { return *hci_; }
  EventUnit& event_unit() { return *event_unit_; }
  Icache& icache() { return *icache_; }
  ClusterDma& dma() { return *dma_; }
  SocDma& soc_dma() { return *soc_dma_; }
  Redmule& redmule() { return *redmule_; }
  bool has_redmule() const { return redmule_ != nullptr; }
  Timer& timer() { return *timer_; }
  Clint& clint() { return *clint_; }
  ClusterCtrl& ctrl() { return *ctrl_; }

  unsigned tcdm_bank(std::uint32_t offset) const { return (offset >> 2) & bank_mask_; }
  /// The bytes of ideal memory at `address`, which the address map has found there.
  std::uint8_t* flat(std::uint32_t address);

  /// True if instructions can be fetched at `address`.
  bool is_code(Address address) const;

  /// Copies `bytes` to or from any simulated memory, in no time. Throws ProgramError where none is
  /// mapped.
  void write_memory(Address address, std::span<const std::uint8_t> bytes);
  std::vector<std::uint8_t> read_memory(Address address, Bytes bytes);

  /// Instructions are decoded anew: their memory was changed from outside.
  void forget_code() { decode_->flush(); }

  /// All units, each described once: who counts, warns or acts is found by going through this list.
  const std::vector<PlatformUnit>& units() const { return units_; }

  /// The units that can act without a core.
  enum Unit : unsigned { kDma, kSocDma, kIcache, kEventUnit, kTimer, kRedmule, kUnits };
  /// First cycle from `now` on in which `unit` can do anything if nobody speaks to it; kNever's
  /// number when it is idle or not there. It changes only when somebody speaks to the unit or steps
  /// it.
  std::uint64_t next_activity(Unit unit, std::uint64_t now) const {
    return activity_[unit].next(activity_[unit].component, now);
  }

  /// The shared memory as the DMA and RedMulE see it, who see nothing else: an address outside it
  /// wraps, as the interconnect decodes only the bits that it has.
  std::uint32_t tcdm_offset(std::uint32_t address) const {
    const std::uint32_t offset = address & (ETUDE_L1_TEST_AND_SET - 1);
    return offset < tcdm_->size() ? offset : offset % tcdm_->size();
  }
  class UnitMemory {
   public:
    explicit UnitMemory(const Platform& platform) : platform_(platform) {}
    std::uint32_t read(std::uint32_t address) const {
      return platform_.tcdm_->read(platform_.tcdm_offset(address), 4);
    }
    void write(std::uint32_t address, const std::uint8_t* bytes, unsigned enable) const {
      std::uint32_t word;
      std::memcpy(&word, bytes, sizeof word);
      platform_.tcdm_->write_enabled(platform_.tcdm_offset(address), word, enable);
    }

   private:
    const Platform& platform_;
  };
  /// Moves the words of the granted ports and ends the DMA's cycle.
  void commit_dma(Cycle now, const ClusterDma::Requests& requests, std::uint32_t granted);
  /// Moves what RedMulE was granted of its request_lightly() and ends its cycle.
  void commit_redmule(Cycle now, const WideRequest& request, const HciGrants& grants);
  /// Lets RedMulE run by itself for at most `cycles` cycles from `now`; returns how many it took.
  std::uint64_t advance_redmule(Cycle now, std::uint64_t cycles);

  /// A word access of a core outside the cluster. Returns the cycle of the response.
  Cycle core_access(const DataAccess& access, std::uint32_t& rdata, Cycle now);
  /// From the start of L2 to the end of the highest byte that a unit touched; 0 without an L2.
  Bytes l2_touched() const;
  /// Cycles from a core's request to the interconnect of the cluster's peripherals.
  std::uint64_t peripheral_latency() const { return config_.cluster.peripheral_latency.raw(); }
  std::uint64_t soc_peripheral_latency() const { return config_.l2.core_latency.raw(); }
  /// The harts among `asking` that a shared FPU takes an operation from in `now`: of each FPU one,
  /// in turn. An FPU takes an operation each cycle, and divides one at a time: fdiv and fsqrt of
  /// others wait until its divider is done, their other operations do not.
  std::uint32_t grant_fpus(std::uint32_t asking, Cycle now);
  /// Bits of mip of `hart` in `now`.
  std::uint32_t interrupt_lines(unsigned hart, Cycle now) const;

 private:
  struct Region {
    std::string name;
    std::uint32_t base;
    std::span<std::uint8_t> bytes;
    bool executable;
  };

  void build_pulp();
  void list_units();
  /// Puts `component` on the list. One that acts by itself names the place `acts` where the engine
  /// keeps its next cycle.
  template <Unit acts = kUnits, class Component>
  void list(const std::string& unit_name, Component& component);
  void add_region(const std::string& name, std::uint32_t base, std::span<std::uint8_t> bytes,
                  bool executable);
  Region& region(Address address, std::size_t bytes);
  bool in_flash(Address address) const;
  void flash_debug(tlm::tlm_command command, Address address, std::uint8_t* data,
                   std::size_t bytes);

  PlatformConfig config_;
  AddressMap map_;
  ClusterClock clock_;
  std::uint32_t bank_mask_;
  std::vector<Region> regions_;
  std::vector<std::vector<std::uint8_t>> flat_memory_;

  std::unique_ptr<DecodeCache> decode_;
  std::vector<std::unique_ptr<Core>> cores_;
  std::unique_ptr<Clint> clint_;
  std::unique_ptr<Tcdm> tcdm_;
  std::unique_ptr<Hci> hci_;
  std::unique_ptr<EventUnit> event_unit_;
  std::unique_ptr<Timer> timer_;
  std::unique_ptr<ClusterCtrl> ctrl_;
  std::unique_ptr<L2Memory> l2_;
  std::unique_ptr<Hyperram> hyperram_;
  std::unique_ptr<Flash> flash_;
  std::unique_ptr<SocBus> bus_;
  std::unique_ptr<TlmAxiPort> dma_port_;
  std::unique_ptr<TlmAxiPort> icache_port_;
  std::unique_ptr<TlmAxiPort> core_port_;
  std::unique_ptr<Icache> icache_;
  std::unique_ptr<ClusterDma> dma_;
  std::unique_ptr<SocDma> soc_dma_;
  std::unique_ptr<Redmule> redmule_;
  std::vector<PlatformUnit> units_;
  std::array<NextActivity, kUnits> activity_;
  struct SharedFpu {
    std::uint64_t divider_free{0};  ///< first cycle in which it can begin another division
    unsigned turn{0};               ///< the hart that comes first
  };
  std::vector<SharedFpu> fpus_;  ///< hart h uses number h modulo their number
};

}  // namespace etude
