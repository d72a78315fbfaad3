// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "models/icache/icache.h"
#include "models/iss/core/core.h"
#include "tests/support/fixed_latency_port.h"

namespace etude::test {

/// One core with ideal memories: 64 KiB of code at 0, 64 KiB of data at 0x10000000, markers at
/// 0x1000F000 (START, END, EXIT). Grants at once and data in the next cycle unless told otherwise.
class CoreBench {
 public:
  explicit CoreBench(const std::string& isa, const CoreConfig& config = {},
                     std::uint32_t reset_pc = 0x80, unsigned hart = 0);

  /// Code or data at `address`.
  void load(std::uint32_t address, const std::vector<std::uint8_t>& bytes);
  /// Cycles that an access waits for its grant, and grant to response; default 0 and 1.
  std::function<unsigned(const DataAccess&)> grant_delay;
  std::function<unsigned(const DataAccess&)> latency;

  /// Puts the instruction cache in front of the code, behind it a memory whose first beat comes
  /// `memory_latency` cycles after the address.
  void use_icache(unsigned memory_latency);

  /// Runs until the EXIT marker, a halt or `limit`: cycle by cycle, or with run() far ahead.
  void run(std::uint64_t limit, bool lockstep);

  /// Grant of END minus grant of START, and instructions between.
  std::uint64_t marker_cycles() const { return end_ - start_; }
  std::uint64_t marker_instructions() const { return end_instructions_ - start_instructions_; }
  std::optional<std::uint32_t> exit_status() const { return exit_; }
  std::uint64_t now() const { return now_; }

  Core& core() { return *core_; }
  const std::vector<std::uint8_t>& data() const { return data_; }

 private:
  void answer();
  std::uint8_t* at(std::uint32_t address);

  std::vector<std::uint8_t> code_;
  std::vector<std::uint8_t> data_;
  DecodeCache decode_;
  std::unique_ptr<FixedLatencyPort> memory_;
  std::unique_ptr<Icache> icache_;
  std::unique_ptr<Core> core_;
  std::uint64_t now_{0};
  std::uint64_t start_{0}, end_{0};
  std::uint64_t start_instructions_{0}, end_instructions_{0};
  std::optional<std::uint32_t> exit_;
};

/// Instruction words of `lines` (GNU assembler syntax), for the extensions of `march`.
std::vector<std::uint8_t> assemble_flat(const std::string& lines, const std::string& march);

}  // namespace etude::test
