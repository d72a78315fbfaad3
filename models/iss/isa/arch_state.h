// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "models/iss/isa/instr.h"
#include "models/iss/isa/isa_config.h"

namespace etude {

/// Which control and status registers answer beside the standard ones.
enum class CsrMap : std::uint8_t {
  kStandard,  ///< machine mode of the privileged specification; hardware loops read-only
  kPulp,      ///< and what PULP runtimes touch (0x780..0x79F, 0x7C0..6, 0x7D0..2) as plain storage;
              ///< a write to 0xCC0 or 0xCC1 is ignored with a warning
  kCoreBench,  ///< CV32E40P as its RTL: a write to a hardware-loop CSR is illegal
};

/// Exception codes of mcause.
enum class Cause : std::uint32_t {
  kFetchMisaligned = 0,
  kFetchFault = 1,
  kIllegal = 2,
  kBreakpoint = 3,
  kLoadFault = 5,
  kStoreFault = 7,
  kEcallM = 11,
};

/// One hardware loop: start and end (first address after the body) in bytes, passes left.
struct HwLoop {
  std::uint32_t start = 0;
  std::uint32_t end = 0;
  std::uint32_t count = 0;
};

/// Machine-mode control and status registers that hold a value of their own.
struct CsrState {
  std::uint32_t mstatus = 0;  ///< MIE and MPIE only; MPP reads as 3, FS is `fs`
  std::uint32_t mie = 0;
  std::uint32_t mtvec = 0;
  std::uint32_t mscratch = 0;
  std::uint32_t mepc = 0;
  std::uint32_t mcause = 0;
  std::uint32_t mtval = 0;
  std::uint32_t mcountinhibit = 0;
  std::uint64_t cycle_offset = 0;               ///< mcycle = caller's cycle that counts + this
  std::uint64_t instret_offset = 0;             ///< minstret = caller's retired count + this
  std::uint64_t frozen_cycle = 0;               ///< value while mcountinhibit stops mcycle
  std::uint64_t frozen_instret = 0;             ///< value while mcountinhibit stops minstret
  std::array<std::uint32_t, 29> hpm_event{};    ///< mhpmevent3..31
  std::array<std::uint64_t, 29> hpm_counter{};  ///< mhpmcounter3..31, plain storage
  std::array<std::uint32_t, 20> pmp{};          ///< pmpcfg0..3, pmpaddr0..15 (kStandard only)
  std::array<std::uint32_t, 48> pulp{};         ///< storage of the PULP extras
};

/// What software sees of one hart.
struct ArchState {
  /// x0..x31, f0..f31 (F extension), and the sink for writes to x0. r[0] stays 0.
  std::array<std::uint32_t, 65> r{};
  std::uint32_t pc = 0;
  std::uint32_t fflags = 0;  ///< accrued exceptions, bits 4:0
  std::uint8_t frm = 0;
  std::uint8_t fs = 0;  ///< mstatus.FS; stays 0 without F
  bool has_f = false;   ///< F extension: FS gates FP instructions
  /// `end` of an active loop, else 1: the one value to compare the next sequential pc with.
  std::array<std::uint32_t, 2> loop_watch{1, 1};
  std::array<HwLoop, 2> loop{};
  /// Packed FP operations so far, which the pipeline treats as any other: additions,
  /// multiplications and fused ones; and the rest. They outlive reset().
  std::uint64_t packed_addmul = 0, packed_other = 0;
  CsrState csr;
  IsaConfig isa;
  CsrMap csr_map = CsrMap::kStandard;
  std::uint32_t hart_id = 0;

  ArchState() = default;
  ArchState(const IsaConfig& isa_config, CsrMap map, std::uint32_t hart)
      : has_f(isa_config.f), isa(isa_config), csr_map(map), hart_id(hart) {}

  /// Everything to its reset value; pc to `entry`.
  void reset(std::uint32_t entry) {
    ArchState fresh(isa, csr_map, hart_id);
    fresh.packed_addmul = packed_addmul;
    fresh.packed_other = packed_other;
    *this = fresh;
    pc = entry;
  }
  std::uint32_t x(unsigned n) const { return r[n]; }
  void set_x(unsigned n, std::uint32_t value) { r[n == 0 ? kSinkReg : n] = value; }
  std::uint32_t f(unsigned n) const { return r[kFpRegs + n]; }
  void set_loop(unsigned n, const HwLoop& value) {
    loop[n] = value;
    loop_watch[n] = value.count != 0 ? value.end : 1u;
  }
};

}  // namespace etude
