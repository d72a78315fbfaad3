// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <systemc>

#include "models/base/types.h"

namespace etude {

/// The core-local interruptor of RISC-V platforms: msip, mtimecmp and mtime at the usual offsets
/// (0x0, 0x4000, 0xBFF8; SiFive CLINT). mtime counts cluster cycles.
class Clint : public sc_core::sc_module {
 public:
  static constexpr std::uint32_t kBase = 0x02000000u;
  static constexpr std::uint32_t kSize = 0x10000u;
  static constexpr unsigned kMaxHarts = 16;
  static constexpr std::uint32_t kMsip = 1u << 3, kMtip = 1u << 7;  ///< bits of mip

  explicit Clint(const sc_core::sc_module_name& name);
  void reset();
  std::uint32_t read(std::uint32_t offset, Cycle now) const;
  void write(std::uint32_t offset, std::uint32_t value, Cycle now);
  /// Bits of mip that hart `n` sees in cycle `now`.
  std::uint32_t lines(unsigned hart, Cycle now) const;
  /// The first cycle from `now` on in which a line of some hart rises by itself; kNever if none
  /// will.
  Cycle next_activity(Cycle now) const;

 private:
  std::uint64_t time(Cycle now) const { return now.raw() + offset_; }

  std::array<std::uint32_t, kMaxHarts> msip_{};
  std::array<std::uint64_t, kMaxHarts> compare_{};
  std::uint64_t offset_{0};  // mtime minus the cycle number, modulo 2^64
};

}  // namespace etude
