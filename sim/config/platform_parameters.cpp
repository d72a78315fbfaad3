// SPDX-License-Identifier: Apache-2.0
// Declarations below /platform. A default is the one of the model's own struct.
#include "sim/config/declarations.h"

namespace etude {
namespace {

void declare_cluster(ParameterTable& table) {
  const auto cluster = [](RootConfig& c, const std::string&) -> ClusterConfig& {
    return c.platform.cluster;
  };
  Section<ClusterConfig>(table, "/platform/cluster", cluster)
      .add("cores", &ClusterConfig::cores,
           {.sentence = "Workers, harts 0 to cores-1; with the controller at most 16 harts.",
            .source = "pulp_cluster_package.sv",
            .range = ClusterConfig::kCores})
      .add("controller", &ClusterConfig::controller,
           {.sentence = "One more hart that interprets the task list and never computes.",
            .source = "Siracusa software view (Deeploy)"})
      .add("first_hart", &ClusterConfig::first_hart,
           {.sentence = "mhartid of hart 0, the others follow; on the pulp map 32 times the number "
                        "of the cluster.",
            .source = "pulp_cluster (cluster id, core id); 5 in the RTL records of one core",
            .range = ClusterConfig::kFirstHart})
      .add("peripheral_latency", &ClusterConfig::peripheral_latency,
           {.unit = "cycles",
            .sentence = "From a core's request to the interconnect of the cluster's peripherals, "
                        "which serves one access per unit and cycle.",
            .source = "data_periph_demux, xbar_pe (measured on the RTL)",
            .range = ClusterConfig::kPeripheralLatency})
      .add("clock_hz", &ClusterConfig::clock_hz,
           {.unit = "Hz",
            .sentence = "Cluster and SoC clock.",
            .source = "11 images/s of 126 MFLOP at 4.6 FLOP/cycle (arXiv 2603.09511) imply it",
            .range = ClusterConfig::kClock});
  const auto core = [](RootConfig& c, const std::string&) -> CoreConfig& {
    return c.platform.cluster.core;
  };
  Section<CoreConfig>(table, "/platform/cluster", core)
      .add("isa", &CoreConfig::isa,
           {.sentence = "Instruction set of the cores, as compilers write it; xcv* are the CORE-V "
                        "extensions of the CV32E40P, xfvec two binary16 numbers per register.",
            .source = "CV32E40P v2 user manual; xfvec: PULP's RI5CY"})
      .add("corev_cluster", &CoreConfig::corev_cluster,
           {.sentence = "cv.elw (load a word of the event unit and sleep) is legal.",
            .source = "CV32E40P v2, parameter COREV_CLUSTER"})
      .add("counters_stopped", &CoreConfig::counters_stopped,
           {.sentence = "mcycle and minstret stand still until a program starts them "
                        "(mcountinhibit leaves reset as 0xd).",
            .source = "CV32E40P v2, measured on the RTL"})
      .add("fpu/addmul_latency", &CoreConfig::addmul_latency,
           {.unit = "cycles",
            .sentence = "Cycles after issue until fadd, fsub, fmul and fmadd return.",
            .source = "CV32E40P, FPU_ADDMUL_LAT",
            .range = CoreConfig::kFpuLatency})
      .add("fpu/others_latency", &CoreConfig::others_latency,
           {.unit = "cycles",
            .sentence = "The same for compare, min, max, sign, class, convert and move.",
            .source = "CV32E40P, FPU_OTHERS_LAT",
            .range = CoreConfig::kFpuLatency})
      .add("fpu/private", &CoreConfig::private_fpu,
           {.sentence = "Each core has its own FPU.",
            .source = "pulp_cluster (Zfinx, one FPU per core)"})
      .add("fpu/shared", &CoreConfig::shared_fpus,
           {.sentence = "FPUs that all cores share, each with a divider (fdiv, fsqrt) of its own.",
            .source = "Vega and GAP9: 4 for 9 cores (recalled)",
            .range = CoreConfig::kSharedFpus,
            .only_if = Selector{"/platform/cluster/fpu/private", {"false"}}});
}

void declare_memories(ParameterTable& table) {
  Section<TcdmConfig>(
      table, "/platform/cluster/tcdm",
      [](RootConfig& c, const std::string&) -> TcdmConfig& { return c.platform.cluster.tcdm; })
      .add("banks", &TcdmConfig::banks,
           {.sentence = "Word-interleaved single-port banks.",
            .source = "pulp_cluster_package.sv, GVSoC siracusa",
            .range = TcdmConfig::kBanks})
      .add("size", &TcdmConfig::size,
           {.unit = "B",
            .sentence = "All banks together; a multiple of 4 bytes per bank.",
            .source = "Siracusa: 256 KiB",
            .range = TcdmConfig::kSize});
  Section<HciConfig>(
      table, "/platform/cluster/hci",
      [](RootConfig& c, const std::string&) -> HciConfig& { return c.platform.cluster.hci; })
      .add("priority", &HciConfig::priority,
           Choices<HciConfig::Priority>{{"cores", HciConfig::Priority::kCores},
                                        {"accelerator", HciConfig::Priority::kAccelerator}},
           {.sentence = "Side that wins a contended bank: cores and DMA, or the accelerator's wide "
                        "port.",
            .source = "hci_arbiter.sv, reset value of cluster_control_unit.sv"})
      .add("max_stall", &HciConfig::max_stall,
           {.unit = "cycles",
            .sentence = "Longest wait of the other side; 0 lets it starve.",
            .source = "reset value of cluster_control_unit.sv",
            .range = HciConfig::kMaxStall})
      .add("arbiter", &HciConfig::arbiter,
           Choices<HciConfig::Arbiter>{{"stall", HciConfig::Arbiter::kStall},
                                       {"window", HciConfig::Arbiter::kWindow}},
           {.sentence = "Generation of the arbiter: counts stalls (hci 2a5a508) or shares a window "
                        "(v2.4.0 on).",
            .source = "hci_arbiter.sv"})
      .add("window", &HciConfig::window,
           {.unit = "cycles",
            .sentence = "Length of the window.",
            .source = "hci v2.4.0",
            .range = HciConfig::kWindowLength,
            .only_if = Selector{"/platform/cluster/hci/arbiter", {"window"}}});
  Section<IcacheConfig>(
      table, "/platform/cluster/icache",
      [](RootConfig& c, const std::string&) -> IcacheConfig& { return c.platform.cluster.icache; })
      .add("enabled", &IcacheConfig::enabled,
           {.sentence = "false: every fetch is served at once.", .source = "PULP hier-icache"})
      .add("private_ways", &IcacheConfig::private_ways,
           {.sentence = "Ways of each core's private cache (16-byte lines).",
            .source = "pulp_cluster_package.sv",
            .range = IcacheConfig::kWays})
      .add("private_sets", &IcacheConfig::private_sets,
           {.sentence = "Sets of each core's private cache.",
            .source = "pulp_cluster_package.sv (512 B per core)",
            .range = IcacheConfig::kSets})
      .add("shared_banks", &IcacheConfig::shared_banks,
           {.sentence = "Banks of the shared cache.",
            .source = "pulp_cluster_package.sv",
            .range = IcacheConfig::kBanks})
      .add("shared_ways", &IcacheConfig::shared_ways,
           {.sentence = "Ways of the shared cache.",
            .source = "pulp_cluster_package.sv",
            .range = IcacheConfig::kWays})
      .add("shared_sets", &IcacheConfig::shared_sets,
           {.sentence = "Sets of each bank of the shared cache.",
            .source = "pulp_cluster_package.sv (4 KiB in all)",
            .range = IcacheConfig::kSets});
}

void declare_engines(ParameterTable& table) {
  Section<DmaConfig>(
      table, "/platform/cluster/dma",
      [](RootConfig& c, const std::string&) -> DmaConfig& { return c.platform.cluster.dma; })
      .add("engine", &DmaConfig::engine,
           Choices<DmaConfig::Engine>{{"mchan", DmaConfig::Engine::kMchan},
                                      {"idma", DmaConfig::Engine::kIdma}},
           {.sentence = "Cluster DMA between L1 and L2.", .source = "pulp_cluster: MCHAN"})
      .add("burst", &DmaConfig::burst,
           {.unit = "B",
            .sentence = "Longest AXI burst of MCHAN.",
            .source = "mchan (measured on the RTL)",
            .range = DmaConfig::kBurst,
            .only_if = Selector{"/platform/cluster/dma/engine", {"mchan"}}})
      .add("outstanding", &DmaConfig::outstanding,
           {.sentence = "Bursts of MCHAN in flight per direction.",
            .source = "mchan",
            .range = DmaConfig::kOutstanding,
            .only_if = Selector{"/platform/cluster/dma/engine", {"mchan"}}})
      .add("queue", &DmaConfig::queue,
           {.sentence = "Transfers queued; also the number of MCHAN transfer ids.",
            .source = "mchan",
            .range = DmaConfig::kQueue});
  Section<RedmuleConfig>(table, "/platform/cluster/redmule",
                         [](RootConfig& c, const std::string&) -> RedmuleConfig& {
                           return c.platform.cluster.redmule;
                         })
      .add("enabled", &RedmuleConfig::enabled,
           {.sentence = "The cluster has a RedMulE.", .source = "arXiv 2301.03904"})
      .add("height", &RedmuleConfig::height,
           {.sentence = "H: compute elements along the reduction.",
            .source = "redmule_pkg.sv",
            .range = RedmuleConfig::kHeight})
      .add("width", &RedmuleConfig::width,
           {.sentence = "L: rows of the array, along M.",
            .source = "redmule_pkg.sv",
            .range = RedmuleConfig::kWidth})
      .add("pipe", &RedmuleConfig::pipe,
           {.sentence = "P: pipeline registers of a compute element; H*(P+1) columns per tile.",
            .source = "redmule_pkg.sv",
            .range = RedmuleConfig::kPipe})
      .add("format", &RedmuleConfig::format,
           Choices<RedmuleConfig::Format>{{"fp16", RedmuleConfig::Format::kFp16},
                                          {"fp32", RedmuleConfig::Format::kFp32}},
           {.sentence = "Elements of the array: fp16 as in its RTL, or fp32 with the same dataflow "
                        "(our extension).",
            .source = "redmule_pkg.sv"})
      .add("errata", &RedmuleConfig::errata,
           Choices<RedmuleConfig::Errata>{{"warn", RedmuleConfig::Errata::kWarn},
                                          {"error", RedmuleConfig::Errata::kError},
                                          {"off", RedmuleConfig::Errata::kOff}},
           {.sentence = "Jobs on which the RTL fails: right data and a warning, an error, or "
                        "silence.",
            .source = "measured on the RTL"});
}

void declare_soc(ParameterTable& table) {
  Section<L2Config>(table, "/platform/l2",
                    [](RootConfig& c, const std::string&) -> L2Config& { return c.platform.l2; })
      .add("size", &L2Config::size,
           {.unit = "B",
            .sentence = "L2 memory.",
            .source = "Siracusa: 2 MiB",
            .range = L2Config::kSize})
      .add("latency", &L2Config::latency,
           {.unit = "cycles",
            .sentence = "Address accepted to first beat of a burst, and last write beat to "
                        "response.",
            .source = "assumed",
            .range = L2Config::kLatency})
      .add("core_latency", &L2Config::core_latency,
           {.unit = "cycles",
            .sentence = "Word access of a core, request to response.",
            .source =
                "assumed: no RTL of the way was measured; GVSoC's target siracusa (2e74b41) takes "
                "15",
            .range = L2Config::kLatency});
  Section<HyperramConfig>(
      table, "/platform/hyperram",
      [](RootConfig& c, const std::string&) -> HyperramConfig& { return c.platform.hyperram; })
      .add("size", &HyperramConfig::size,
           {.unit = "B",
            .sentence = "HyperRAM behind the SoC DMA.",
            .source = "address range 0x80000000",
            .range = HyperramConfig::kSize})
      .add("bandwidth_mb_s", &HyperramConfig::bandwidth_mb_s,
           {.unit = "MB/s",
            .sentence = "Rate of a burst.",
            .source = "S27KS0641: 166 MHz DDR x8",
            .range = HyperramConfig::kBandwidth})
      .add("access_ns", &HyperramConfig::access_ns,
           {.unit = "ns",
            .sentence = "Chip select to first data.",
            .source = "S27KS0641",
            .range = HyperramConfig::kAccess})
      .add("recovery_ns", &HyperramConfig::recovery_ns,
           {.unit = "ns",
            .sentence = "Between two bursts: 6 controller clocks.",
            .source = "hyperbus_pkg.sv",
            .range = HyperramConfig::kRecovery})
      .add("burst_cap_ns", &HyperramConfig::burst_cap_ns,
           {.unit = "ns",
            .sentence = "Longest burst (the device refreshes between bursts).",
            .source = "hyperbus_pkg.sv",
            .range = HyperramConfig::kBurstCap});
  Section<FlashConfig>(
      table, "/platform/flash",
      [](RootConfig& c, const std::string&) -> FlashConfig& { return c.platform.flash; })
      .add("size", &FlashConfig::size,
           {.unit = "B",
            .sentence = "Octal NOR flash behind the SoC DMA.",
            .source = "address range 0x90000000",
            .range = FlashConfig::kSize})
      .add("read_mb_s", &FlashConfig::read_mb_s,
           {.unit = "MB/s",
            .sentence = "Rate of a read, and of data into the page buffer.",
            .source = "IS25WX256 data sheet A14: octal, both edges at 200 MHz (derived)",
            .range = FlashConfig::kRead})
      .add("access_ns", &FlashConfig::access_ns,
           {.unit = "ns",
            .sentence = "Command to first data.",
            .source = "23 clocks at 200 MHz: command, address, 20 dummy clocks (derived)",
            .range = FlashConfig::kTime})
      .add("page_program_us", &FlashConfig::page_program_us,
           {.unit = "us",
            .sentence = "Programming a 256-byte page.",
            .source = "IS25WX256 data sheet A14: 150 typical, 1,800 at most",
            .range = FlashConfig::kTime})
      .add("sector_erase_ms", &FlashConfig::sector_erase_ms,
           {.unit = "ms",
            .sentence = "Erasing a 4 KiB sector.",
            .source = "IS25WX256 data sheet A14: 80 typical, 400 at most",
            .range = FlashConfig::kTime})
      .add("endurance", &FlashConfig::endurance,
           {.unit = "erase cycles",
            .sentence = "Erases that a sector is rated for; reports give the steps until then.",
            .source = "S26KS512S and S25FS512S data sheets: 100,000",
            .range = FlashConfig::kEndurance});
}
}  // namespace

void declare_platform(ParameterTable& table) {
  Section<PlatformConfig>(
      table, "/platform",
      [](RootConfig& c, const std::string&) -> PlatformConfig& { return c.platform; })
      .add("map", &PlatformConfig::map,
           Choices<MemoryMap>{{"pulp", MemoryMap::kPulp},
                              {"htif", MemoryMap::kHtif},
                              {"core_bench", MemoryMap::kCoreBench}},
           {.sentence = "Addresses: PULP's; RAM at 0x80000000 with tohost; or two 64 KiB memories "
                        "with markers.",
            .source = "PULP SDK; RISC-V ISA tests"});
  declare_cluster(table);
  declare_memories(table);
  declare_engines(table);
  declare_soc(table);
}

}  // namespace etude
