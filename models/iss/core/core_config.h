// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "models/base/range.h"

namespace etude {

/// Cycles of the CV32E40P pipeline that are not a matter of its structure. Source: its RTL
/// (openhwgroup/cv32e40p 6033d2b with CVFPU), measured; rule numbers in docs/models/core.md.
struct CoreTiming {
  unsigned fetch = 2;            ///< fetch request to ID: jumps and taken branches cost this
  unsigned misaligned_word = 1;  ///< a 32-bit target that crosses a word: its second fetch
  unsigned mulh = 5;             ///< EX cycles of mulh, mulhu, mulhsu
  unsigned div_base = 3;         ///< EX cycles of division, plus leading zeros of the divisor
  unsigned csr_flush = 2;        ///< CSRs of the pipeline: cycles from the end of EX to the next ID
  unsigned fence = 3;            ///< fence, fence.i: EX to ID of the next instruction
  unsigned trap = 3;             ///< ecall, ebreak, illegal, interrupt: EX to ID of the handler
  unsigned mret = 4;             ///< mret: EX to ID of the instruction returned to
  unsigned sleep_entry = 3;      ///< wfi: EX to the core's sleep signal
  unsigned wake = 3;             ///< interrupt line to ID of the instruction after wfi
  unsigned elw = 3;              ///< cv.elw: grant to ID of the next instruction
  unsigned elw_own = 1;          ///< cv.elw with rd = rs1: more
  unsigned elw_awake = 3;        ///< cv.elw: cycles from the request on in which the clock runs
  unsigned fdiv_special = 3;  ///< fdiv, fsqrt of zero, infinity, NaN, negative root: issue to issue
  unsigned fdiv_range = 5;    ///< quotient out of the exponent range
  unsigned fdiv_base = 6;     ///< exact quotient or root, plus one per two fraction bits
  unsigned fdiv_bits = 26;    ///< quotient bits that an inexact binary32 result takes
  unsigned fdiv_bits_half = 13;  ///< the same for binary16 (assumed: 11 + 2 bits)
  unsigned fdiv_denormal = 1;    ///< denormal divisor: more, and EX is held as long
};

/// Parameters of one RISC-V core (CV32E40P, or a plain RV32 core by ISA string).
struct CoreConfig {
  std::string isa =
      "rv32imc_zfinx_zhinx_zicsr_zifencei_xcvmem_xcvmac_xcvsimd_xcvalu_xcvbitmanip_xcvbi_xcvhwlp";
  unsigned addmul_latency =
      1;  ///< FPU_ADDMUL_LAT: cycles after issue until fadd, fsub, fmul, fmadd return.
  unsigned others_latency =
      1;  ///< FPU_OTHERS_LAT: the same for compare, min/max, sign, class, convert, move.
  static constexpr Range kFpuLatency{.max = 2};  ///< of both
  bool private_fpu = true;   ///< One FPU per core; false: `shared_fpus` units for all cores.
  unsigned shared_fpus = 4;  ///< Number of FPUs when they are shared.
  static constexpr Range kSharedFpus{.min = 1, .max = 16};
  bool corev_cluster = false;  ///< COREV_CLUSTER: cv.elw is legal.
  /// mcountinhibit leaves reset as 0xd: mcycle and minstret stand still until a program starts
  /// them.
  bool counters_stopped = false;
  /// A taken branch inside a hardware-loop body: false: the core stops with an error; true: as the
  /// RTL, which does not take it.
  bool ignore_loop_branches = false;
  CoreTiming timing;
};

}  // namespace etude
