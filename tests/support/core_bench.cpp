// SPDX-License-Identifier: Apache-2.0
#include "tests/support/core_bench.h"

#include <cstring>
#include <stdexcept>

#include "tests/support/toolchain.h"

namespace etude::test {
namespace {
constexpr std::uint32_t kBytes = 0x10000;
constexpr std::uint32_t kData = 0x10000000;
constexpr std::uint32_t kMarkers = 0x1000F000;
IsaConfig with_cluster(IsaConfig isa, const CoreConfig& config) {
  isa.corev_cluster = config.corev_cluster;
  return isa;
}
}  // namespace

CoreBench::CoreBench(const std::string& isa, const CoreConfig& config, std::uint32_t reset_pc,
                     unsigned hart)
    : code_(kBytes), data_(kBytes), decode_(with_cluster(parse_isa(isa), config)) {
  decode_.map(Address{0}, code_);
  core_ = std::make_unique<Core>(sc_core::sc_gen_unique_name("core"), config, decode_,
                                 CsrMap::kCoreBench, hart);
  core_->reset(reset_pc, Cycle{0});
}

void CoreBench::use_icache(unsigned memory_latency) {
  memory_ = std::make_unique<FixedLatencyPort>(memory_latency);
  icache_ =
      std::make_unique<Icache>(sc_core::sc_gen_unique_name("icache"), IcacheConfig{}, 1, *memory_);
  core_->set_icache(icache_.get(), 0);
}

void CoreBench::load(std::uint32_t address, const std::vector<std::uint8_t>& bytes) {
  std::memcpy(at(address), bytes.data(), bytes.size());
}

std::uint8_t* CoreBench::at(std::uint32_t address) {
  if (address < kBytes) {
    return &code_[address];
  }
  if (address - kData < kBytes) {
    return &data_[address - kData];
  }
  throw std::runtime_error("access to " + std::to_string(address));
}

void CoreBench::answer() {
  const DataAccess access = core_->access();
  const std::uint64_t granted = access.when.raw() + (grant_delay ? grant_delay(access) : 0);
  const std::uint64_t response = granted + (latency ? latency(access) : 1);
  std::uint32_t rdata = 0;
  if (access.address - kMarkers < 16) {
    const std::uint64_t instructions = core_->instructions();
    switch (access.address - kMarkers) {
      case 0:
        start_ = granted;
        start_instructions_ = instructions;
        break;
      case 4:
        end_ = granted;
        end_instructions_ = instructions;
        break;
      case 8:
        exit_ = access.wdata;
        break;
      default:
        break;
    }
  } else if (access.write) {
    std::memcpy(at(access.address), &access.wdata, access.bytes);
  } else {
    std::memcpy(&rdata, at(access.address), access.bytes);
  }
  now_ = granted + 1;
  core_->complete(Cycle{granted}, Cycle{response}, rdata, StallReason::kTcdmConflict);
}

void CoreBench::run(std::uint64_t limit, bool lockstep) {
  while (!exit_ && now_ < limit) {
    const CoreWait wait = core_->run(Cycle{lockstep ? now_ + 1 : limit});
    switch (wait) {
      case CoreWait::kLimit:
        now_ = lockstep ? now_ + 1 : limit;
        break;
      case CoreWait::kData:
        if (lockstep && core_->access().when.raw() != now_) {
          throw std::runtime_error("access in the past");
        }
        answer();
        break;
      case CoreWait::kFetch:
        if (lockstep && core_->fetch_when().raw() != now_) {
          throw std::runtime_error("fetch not asked for in its cycle");
        }
        now_ = std::max(now_, core_->fetch_when().raw());
        icache_->request(0, core_->fetch_line().raw(), core_->fetch_when());
        core_->fetch_posted();
        break;
      case CoreWait::kLine: {
        const std::uint64_t next = icache_->next_activity().raw();
        if (icache_->step(Cycle{next}) != 0) {
          core_->complete_fetch(Cycle{next});
          now_ = std::max(now_, next + 1);
        }
        break;
      }
      default:
        return;
    }
  }
}

std::vector<std::uint8_t> assemble_flat(const std::string& lines, const std::string& march) {
  const TempDir folder;
  std::string source = ".globl _start\n_start:\n";
  source += lines;
  assemble(folder, "code", source, march, "0x80");
  return read_bytes(folder / "code.bin");
}

}  // namespace etude::test
