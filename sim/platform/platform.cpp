// SPDX-License-Identifier: Apache-2.0
#include "sim/platform/platform.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "models/base/error.h"
#include "models/base/pulp_map_regs.h"

namespace etude {
namespace {

constexpr std::size_t kBenchBytes = 64 * 1024;
constexpr std::uint32_t kDmaPorts = ClusterDma::kPorts;

CsrMap csr_map(MemoryMap map) {
  switch (map) {
    case MemoryMap::kPulp:
      return CsrMap::kPulp;
    case MemoryMap::kCoreBench:
      return CsrMap::kCoreBench;
    case MemoryMap::kHtif:
      break;
  }
  return CsrMap::kStandard;
}

double checked_clock(const ClusterConfig& cluster) {
  check_range(ClusterConfig::kClock, cluster.clock_hz, "/platform/cluster/clock_hz");
  check_range(ClusterConfig::kCores, cluster.cores, "/platform/cluster/cores");
  check_range(ClusterConfig::kHarts, cluster.harts(), "/platform/cluster/cores: harts");
  check_range(ClusterConfig::kFirstHart, cluster.first_hart, "/platform/cluster/first_hart");
  check_range(ClusterConfig::kPeripheralLatency,
              static_cast<double>(cluster.peripheral_latency.raw()),
              "/platform/cluster/peripheral_latency");
  return cluster.clock_hz;
}

std::uint32_t hci_register(const HciConfig& config) {
  return (config.priority == HciConfig::Priority::kAccelerator ? 1u << 8 : 0u) | config.max_stall;
}

}  // namespace

Platform::Platform(const sc_core::sc_module_name& name, const PlatformConfig& config)
    : sc_module(name),
      config_(config),
      map_(config),
      clock_(checked_clock(config.cluster)),
      bank_mask_(config.cluster.tcdm.banks - 1) {
  IsaConfig isa = parse_isa(config.cluster.core.isa);
  isa.corev_cluster = config.cluster.core.corev_cluster;
  isa.xcvelw = isa.xcvelw || isa.corev_cluster;
  decode_ = std::make_unique<DecodeCache>(isa);
  for (unsigned h = 0; h < config.cluster.harts(); ++h) {
    const std::string core_name = "core" + std::to_string(h);
    cores_.push_back(std::make_unique<Core>(core_name.c_str(), config.cluster.core, *decode_,
                                            csr_map(config.map), config.cluster.first_hart + h));
  }
  switch (config.map) {
    case MemoryMap::kPulp:
      build_pulp();
      break;
    case MemoryMap::kHtif:
      clint_ = std::make_unique<Clint>("clint");
      flat_memory_.emplace_back(config.l2.size.raw(), std::uint8_t{0});
      add_region("ram", 0x80000000u, flat_memory_.back(), true);
      break;
    case MemoryMap::kCoreBench:
      flat_memory_.reserve(2);  // regions point into it
      flat_memory_.emplace_back(kBenchBytes, std::uint8_t{0});
      add_region("instruction memory", 0, flat_memory_.back(), true);
      flat_memory_.emplace_back(kBenchBytes, std::uint8_t{0});
      add_region("data memory", 0x10000000u, flat_memory_.back(), true);
      break;
  }
  if (!config.cluster.core.private_fpu) {
    fpus_.resize(config.cluster.core.shared_fpus);
  }
  list_units();
}

Platform::~Platform() = default;

void Platform::build_pulp() {
  const ClusterConfig& cluster = config_.cluster;
  tcdm_ = std::make_unique<Tcdm>("tcdm", cluster.tcdm);
  HciShape shape;
  shape.ports = harts() + kExtPorts + kDmaPorts;
  shape.banks = cluster.tcdm.banks;
  shape.wide_banks = cluster.redmule.enabled ? cluster.redmule.port_bytes() / 4 : 0;
  hci_ = std::make_unique<Hci>("hci", cluster.hci, shape);
  event_unit_ = std::make_unique<EventUnit>("event_unit", EventUnitConfig{.cores = harts()});
  timer_ = std::make_unique<Timer>("timer");
  ctrl_ = std::make_unique<ClusterCtrl>("cluster_ctrl");
  ctrl_->reset(hci_register(cluster.hci));

  l2_ = std::make_unique<L2Memory>("l2", config_.l2, clock_);
  hyperram_ = std::make_unique<Hyperram>("hyperram", config_.hyperram, clock_);
  flash_ = std::make_unique<Flash>("flash", config_.flash, clock_);
  bus_ = std::make_unique<SocBus>("soc_bus", config_.l2.size, config_.hyperram.size,
                                  config_.flash.size);
  bus_->out_l2_.bind(l2_->in_bus_);
  bus_->out_hyperram_.bind(hyperram_->in_bus_);
  bus_->out_flash_.bind(flash_->in_bus_);
  const auto port = [this](const char* name, BusInitiator initiator) {
    auto made = std::make_unique<TlmAxiPort>(name, initiator, clock_);
    made->out_bus_.bind(bus_->in_port(initiator));
    return made;
  };
  core_port_ = port("core_port", BusInitiator::kCores);
  icache_port_ = port("icache_port", BusInitiator::kIcache);
  dma_port_ = port("dma_port", BusInitiator::kClusterDma);
  soc_dma_ = std::make_unique<SocDma>("soc_dma", SocDmaConfig{}, clock_);
  soc_dma_->out_bus_.bind(bus_->in_port(BusInitiator::kSocDma));

  icache_ = std::make_unique<Icache>("icache", cluster.icache, harts(), *icache_port_);
  for (unsigned h = 0; h < harts(); ++h) {
    cores_[h]->set_icache(icache_.get(), h);
  }
  dma_ = make_dma("dma", cluster.dma, harts(), *dma_port_);
  if (cluster.redmule.enabled) {
    redmule_ = std::make_unique<Redmule>("redmule", cluster.redmule);
    redmule_->set_memory_window(Address{ETUDE_L1_BASE}, cluster.tcdm.size);
  }
  add_region("L1", ETUDE_L1_BASE, {tcdm_->data(), tcdm_->size()}, false);
  add_region("L1", ETUDE_L1_ALIAS, {tcdm_->data(), tcdm_->size()}, false);
  add_region("L2", ETUDE_L2_BASE, {l2_->data(), l2_->size().raw()}, true);
  add_region("HyperRAM", ETUDE_HYPERRAM_BASE, {hyperram_->data(), hyperram_->size().raw()}, false);
}

void Platform::add_region(const std::string& name, std::uint32_t base,
                          std::span<std::uint8_t> bytes, bool executable) {
  regions_.push_back({name, base, bytes, executable});
  if (executable) {
    decode_->map(Address{base}, bytes);
  }
}

template <Platform::Unit acts, class Component>
void Platform::list(const std::string& unit_name, Component& component) {
  static_assert(ActsByItself<Component> == (acts != kUnits),
                "the engine asks a unit that acts by itself, and no other one, for its next cycle");
  units_.push_back(describe_unit(unit_name, component));
  if constexpr (acts != kUnits) {
    activity_[acts] = next_activity_of(component);
  }
}

// Units of the account stand in result.json, and warnings are told, in this order.
Bytes Platform::l2_touched() const { return l2_ ? l2_->touched() : Bytes{}; }

void Platform::list_units() {
  activity_.fill({nullptr, [](const void*, std::uint64_t) { return kNever.raw(); }});
  const auto names = hart_names();
  for (unsigned h = 0; h < harts(); ++h) {
    list(names[h], *cores_[h]);
  }
  if (clint_ != nullptr) {
    list<kTimer>("clint", *clint_);
  }
  if (!is_pulp()) {
    return;
  }
  list("tcdm", *tcdm_);
  list("hci", *hci_);
  list<kEventUnit>("event_unit", *event_unit_);
  list<kTimer>("timer", *timer_);
  if (redmule_ != nullptr) {
    list<kRedmule>("redmule", *redmule_);
  }
  list<kIcache>("icache", *icache_);
  list<kDma>("dma", *dma_);
  list<kSocDma>("soc_dma", *soc_dma_);
  list("l2", *l2_);
  list("hyperram", *hyperram_);
  list("flash", *flash_);
}

std::vector<std::string> Platform::hart_names() const {
  std::vector<std::string> names;
  for (unsigned h = 0; h < config_.cluster.cores; ++h) {
    names.push_back("core" + std::to_string(h));
  }
  if (config_.cluster.controller) {
    names.emplace_back("controller");
  }
  return names;
}

Platform::Region& Platform::region(Address address, std::size_t bytes) {
  for (Region& r : regions_) {
    const std::uint32_t offset = address.raw() - r.base;
    if (offset < r.bytes.size() && bytes <= r.bytes.size() - offset) {
      return r;
    }
  }
  char text[96];
  std::snprintf(text, sizeof text, "%zu bytes at 0x%08x lie in no simulated memory", bytes,
                address.raw());
  throw ProgramError(text);
}

bool Platform::is_code(Address address) const {
  return std::any_of(regions_.begin(), regions_.end(), [address](const Region& r) {
    return r.executable && address.raw() - r.base < r.bytes.size();
  });
}

std::uint8_t* Platform::flat(std::uint32_t address) {
  Region& r = region(Address{address}, 1);
  return r.bytes.data() + (address - r.base);
}

bool Platform::in_flash(Address address) const {
  return flash_ != nullptr && address.raw() - ETUDE_FLASH_BASE < flash_->size().raw();
}

// The flash keeps its contents in a form of its own, so that it is asked like any TLM target.
void Platform::flash_debug(tlm::tlm_command command, Address address, std::uint8_t* data,
                           std::size_t bytes) {
  tlm::tlm_generic_payload payload;
  payload.set_command(command);
  payload.set_address(address.raw() - ETUDE_FLASH_BASE);
  payload.set_data_ptr(data);
  payload.set_data_length(static_cast<unsigned>(bytes));
  if (flash_->transport_dbg(payload) != bytes) {
    throw ProgramError("the flash ends before the bytes that are asked for");
  }
}

void Platform::write_memory(Address address, std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) {
    return;
  }
  if (in_flash(address)) {
    flash_debug(tlm::TLM_WRITE_COMMAND, address, const_cast<std::uint8_t*>(bytes.data()),
                bytes.size());
    return;
  }
  Region& r = region(address, bytes.size());
  std::memcpy(r.bytes.data() + (address.raw() - r.base), bytes.data(), bytes.size());
}

std::vector<std::uint8_t> Platform::read_memory(Address address, Bytes bytes) {
  if (in_flash(address)) {
    std::vector<std::uint8_t> data(bytes.raw());
    flash_debug(tlm::TLM_READ_COMMAND, address, data.data(), data.size());
    return data;
  }
  Region& r = region(address, bytes.raw());
  const auto* begin = r.bytes.data() + (address.raw() - r.base);
  return {begin, begin + bytes.raw()};
}

void Platform::commit_dma(Cycle now, const ClusterDma::Requests& requests, std::uint32_t granted) {
  std::array<std::uint32_t, ClusterDma::kPorts> rdata{};
  for (std::uint32_t left = granted; left != 0; left &= left - 1) {
    const auto p = static_cast<unsigned>(std::countr_zero(left));
    const DmaPortRequest& request = requests[p];
    const std::uint32_t offset = tcdm_offset(request.address);
    if (request.write) {
      tcdm_->write_enabled(offset, request.wdata, request.enable);
    } else {
      rdata[p] = tcdm_->read(offset, 4);
    }
  }
  dma_->commit(now, granted, rdata);
}

void Platform::commit_redmule(Cycle now, const WideRequest& request, const HciGrants& grants) {
  if (!request.valid) {
    redmule_->commit(now, false, nullptr);
    return;
  }
  const std::uint32_t offset = tcdm_offset(request.address) & ~3u;
  const unsigned words = request.bytes / 4;
  if (grants.wide) {
    tcdm_->count_wide(request.write ? 0 : words, request.write ? words : 0);
    redmule_->commit_in_place(now, tcdm_->data() + offset, tcdm_->size() - offset, tcdm_->data());
    return;
  }
  if (grants.wide_banks_won != 0) {
    if (request.write) {
      redmule_->fetch_write_data();
      tcdm_->write_wide(offset, words, request.data, request.byte_enable.data(),
                        grants.wide_banks_won);
    } else {
      tcdm_->count_wasted_reads(static_cast<unsigned>(std::popcount(grants.wide_banks_won)));
    }
  }
  redmule_->commit(now, false, nullptr);
}

std::uint64_t Platform::advance_redmule(Cycle now, std::uint64_t cycles) {
  const RedmuleMemory memory{tcdm_->data(), ETUDE_L1_BASE, tcdm_->size()};
  const RedmuleAdvance done = redmule_->advance_uncontended(now, cycles, memory);
  const std::uint64_t words = config_.cluster.redmule.port_bytes() / 4;
  tcdm_->count_wide(done.read_beats * words, done.write_beats * words);
  hci_->count_wide(done.read_beats + done.write_beats);
  return done.cycles;
}

Cycle Platform::core_access(const DataAccess& access, std::uint32_t& rdata, Cycle now) {
  std::uint8_t bytes[4];
  const Address address{access.address};
  if (access.write) {
    std::memcpy(bytes, &access.wdata, 4);
    return core_port_->write_word(address, {bytes, access.bytes}, now);
  }
  const Cycle done = core_port_->read_word(address, {bytes, access.bytes}, now);
  std::memcpy(&rdata, bytes, access.bytes);
  return done;
}

std::uint32_t Platform::grant_fpus(std::uint32_t asking, Cycle now) {
  const auto harts = static_cast<unsigned>(cores_.size());
  std::uint32_t granted = 0;
  for (unsigned f = 0; f < fpus_.size(); ++f) {
    SharedFpu& fpu = fpus_[f];
    for (unsigned i = 0; i < harts; ++i) {
      const unsigned hart = (fpu.turn + i) % harts;
      if (hart % fpus_.size() != f || (asking >> hart & 1) == 0) {
        continue;
      }
      const unsigned division = cores_[hart]->division_cycles();
      if (division != 0) {
        if (fpu.divider_free > now.raw()) {
          continue;
        }
        fpu.divider_free = now.raw() + division;
      }
      fpu.turn = hart + 1;
      granted |= 1u << hart;
      break;
    }
  }
  return granted;
}

std::uint32_t Platform::interrupt_lines(unsigned hart, Cycle now) const {
  if (clint_ != nullptr) {
    return clint_->lines(hart, now);
  }
  return event_unit_ != nullptr ? event_unit_->irq_lines(hart) : 0;
}

}  // namespace etude
