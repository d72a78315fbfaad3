// SPDX-License-Identifier: Apache-2.0
// Control and status registers: RISC-V privileged specification (machine mode only), CV32E40P user
// manual v2 "Control and Status Registers"; PULP's own numbers: pulp-runtime and the RI5CY manual.
#include "models/iss/isa/csr.h"

namespace etude {
namespace {

using U = std::uint32_t;
using U64 = std::uint64_t;

enum Csr : U {
  kFflags = 0x001,
  kFrm = 0x002,
  kFcsr = 0x003,
  kMstatus = 0x300,
  kMisa = 0x301,
  kMie = 0x304,
  kMtvec = 0x305,
  kMstatush = 0x310,
  kMcountinhibit = 0x320,
  kMhpmevent3 = 0x323,
  kMhpmevent31 = 0x33f,
  kMscratch = 0x340,
  kMepc = 0x341,
  kMcause = 0x342,
  kMtval = 0x343,
  kMip = 0x344,
  kPmpcfg0 = 0x3a0,
  kPmpcfg3 = 0x3a3,
  kPmpaddr0 = 0x3b0,
  kPmpaddr15 = 0x3bf,
  kTselect = 0x7a0,
  kTdata1 = 0x7a1,
  kTdata2 = 0x7a2,
  kTdata3 = 0x7a3,
  kTinfo = 0x7a4,
  kMcycle = 0xb00,
  kMinstret = 0xb02,
  kMhpmcounter3 = 0xb03,
  kMhpmcounter31 = 0xb1f,
  kMcycleh = 0xb80,
  kMinstreth = 0xb82,
  kMhpmcounterh3 = 0xb83,
  kMhpmcounterh31 = 0xb9f,
  kCycle = 0xc00,
  kTime = 0xc01,
  kInstret = 0xc02,
  kHpmcounter3 = 0xc03,
  kHpmcounter31 = 0xc1f,
  kCycleh = 0xc80,
  kTimeh = 0xc81,
  kInstreth = 0xc82,
  kHpmcounterh3 = 0xc83,
  kHpmcounterh31 = 0xc9f,
  kLpstart0 = 0xcc0,
  kLpend0 = 0xcc1,
  kLpcount0 = 0xcc2,
  kLpstart1 = 0xcc4,
  kLpend1 = 0xcc5,
  kLpcount1 = 0xcc6,
  kMvendorid = 0xf11,
  kMarchid = 0xf12,
  kMimpid = 0xf13,
  kMhartid = 0xf14,
  kMconfigptr = 0xf15,
};

constexpr U kMieBit = 1u << 3;
constexpr U kMpieBit = 1u << 7;
constexpr U kMpp = 3u << 11;
constexpr U kFsShift = 13;
constexpr U kInhibitMask = ~2u;    // bit 1 (time) does not exist
constexpr U kInhibitOfCore = 0xd;  // CV32E40P with one mhpmcounter
// Interrupt lines of CV32E40P: software 3, timer 7, external 11, fast 16..31.
constexpr U kInterrupts = 0xffff0888u;

// Index of a PULP extra in CsrState::pulp, or -1.
int pulp_slot(U number) {
  if (number >= 0x780 && number <= 0x79f) {
    return static_cast<int>(number - 0x780);
  }
  if (number >= 0x7c0 && number <= 0x7c6) {
    return static_cast<int>(32 + number - 0x7c0);
  }
  if (number >= 0x7d0 && number <= 0x7d2) {
    return static_cast<int>(39 + number - 0x7d0);
  }
  return -1;
}

U low(U64 value) { return static_cast<U>(value); }
U high(U64 value) { return static_cast<U>(value >> 32); }
U64 with_low(U64 value, U part) { return (value & ~U64{0xffffffffu}) | part; }
U64 with_high(U64 value, U part) { return (value & 0xffffffffu) | U64{part} << 32; }

U64 mcycle(const ArchState& s, const CsrInputs& in) {
  return (s.csr.mcountinhibit & 1u) != 0 ? s.csr.frozen_cycle
                                         : in.cycle - in.gated + s.csr.cycle_offset;
}
U64 minstret(const ArchState& s, const CsrInputs& in) {
  return (s.csr.mcountinhibit & 4u) != 0 ? s.csr.frozen_instret : in.retired + s.csr.instret_offset;
}
void set_mcycle(ArchState& s, const CsrInputs& in, U64 value) {
  s.csr.frozen_cycle = value;
  s.csr.cycle_offset = value - (in.cycle - in.gated);
}
// The instruction that writes does not count: the next one reads `value`.
void set_minstret(ArchState& s, const CsrInputs& in, U64 value) {
  s.csr.frozen_instret = value;
  s.csr.instret_offset = value - (in.retired + 1);
}

U mstatus(const ArchState& s) {
  const U fs = s.has_f ? s.fs : 0u;
  return (s.csr.mstatus & (kMieBit | kMpieBit)) | kMpp | fs << kFsShift |
         (fs == 3 ? 0x80000000u : 0u);
}

U misa(const ArchState& s) {
  const auto letter = [](char c) { return 1u << (c - 'a'); };
  const IsaConfig& isa = s.isa;
  const bool xcv = isa.xcvmem || isa.xcvmac || isa.xcvsimd || isa.xcvalu || isa.xcvbitmanip ||
                   isa.xcvbi || isa.xcvhwlp || isa.xcvelw;
  return 1u << 30 | letter('i') | (isa.m ? letter('m') : 0) | (isa.f ? letter('f') : 0) |
         (isa.c ? letter('c') : 0) | (xcv ? letter('x') : 0);
}

// Floating-point CSRs exist with F (then mstatus.FS gates them) and with Zfinx.
bool fp_csr_off(const ArchState& s) { return !s.isa.fp() || (s.has_f && s.fs == 0); }

// Physical memory protection is plain storage: without the lock bit, which stays 0, it never
// concerns machine mode. CV32E40P has none.
int pmp_slot(const ArchState& s, U number) {
  if (s.csr_map != CsrMap::kStandard) {
    return -1;
  }
  if (number >= kPmpcfg0 && number <= kPmpcfg3) {
    return static_cast<int>(number - kPmpcfg0);
  }
  return number >= kPmpaddr0 && number <= kPmpaddr15 ? static_cast<int>(4 + number - kPmpaddr0)
                                                     : -1;
}

std::optional<U> read_loop(const ArchState& s, U number) {
  const bool exists = s.isa.xcvhwlp || s.csr_map == CsrMap::kPulp;
  const U part = (number - kLpstart0) & 3u;
  if (!exists || part == 3) {
    return std::nullopt;
  }
  const HwLoop& loop = s.loop[number >= kLpstart1 ? 1 : 0];
  return part == 0 ? loop.start : part == 1 ? loop.end : loop.count;
}

std::optional<U> read_counter(const ArchState& s, U number, const CsrInputs& in) {
  const auto in_range = [number](U first, U last) { return number >= first && number <= last; };
  if (in_range(kMhpmcounter3, kMhpmcounter31)) {
    return low(s.csr.hpm_counter[number - kMhpmcounter3]);
  }
  if (in_range(kMhpmcounterh3, kMhpmcounterh31)) {
    return high(s.csr.hpm_counter[number - kMhpmcounterh3]);
  }
  if (in_range(kHpmcounter3, kHpmcounter31)) {
    return low(s.csr.hpm_counter[number - kHpmcounter3]);
  }
  if (in_range(kHpmcounterh3, kHpmcounterh31)) {
    return high(s.csr.hpm_counter[number - kHpmcounterh3]);
  }
  switch (number) {
    case kMcycle:
    case kCycle:
      return low(mcycle(s, in));
    case kMcycleh:
    case kCycleh:
      return high(mcycle(s, in));
    case kTime:
      return low(in.cycle);
    case kTimeh:
      return high(in.cycle);
    case kMinstret:
    case kInstret:
      return low(minstret(s, in));
    case kMinstreth:
    case kInstreth:
      return high(minstret(s, in));
    default:
      return std::nullopt;
  }
}

// Writes a legal value; registers that only read are not reached.
void write(ArchState& s, U number, U value, const CsrInputs& in) {
  CsrState& c = s.csr;
  if (number >= kMhpmevent3 && number <= kMhpmevent31) {
    c.hpm_event[number - kMhpmevent3] = value;
    return;
  }
  if (number >= kMhpmcounter3 && number <= kMhpmcounter31) {
    U64& counter = c.hpm_counter[number - kMhpmcounter3];
    counter = with_low(counter, value);
    return;
  }
  if (number >= kMhpmcounterh3 && number <= kMhpmcounterh31) {
    U64& counter = c.hpm_counter[number - kMhpmcounterh3];
    counter = with_high(counter, value);
    return;
  }
  if (const int slot = pulp_slot(number); slot >= 0 && s.csr_map == CsrMap::kPulp) {
    c.pulp[static_cast<unsigned>(slot)] = value;
    return;
  }
  if (const int slot = pmp_slot(s, number); slot >= 0) {
    c.pmp[static_cast<unsigned>(slot)] = slot < 4 ? value & 0x1f1f1f1fu : value;
    return;
  }
  switch (number) {
    case kFflags:
      s.fflags = value & 31u;
      s.fs = 3;
      break;
    case kFrm:
      s.frm = value & 7u;
      s.fs = 3;
      break;
    case kFcsr:
      s.fflags = value & 31u;
      s.frm = value >> 5 & 7u;
      s.fs = 3;
      break;
    case kMstatus:
      c.mstatus = value & (kMieBit | kMpieBit);
      s.fs = value >> kFsShift & 3u;
      break;
    case kMie:
      c.mie = value & kInterrupts;
      break;
    case kMtvec:
      c.mtvec = value & ~2u;
      break;
    case kMcountinhibit: {
      // What stops keeps its value, what starts goes on from there.
      const U64 cycles = mcycle(s, in);
      const U64 instructions = minstret(s, in);
      c.mcountinhibit = value & (s.csr_map == CsrMap::kCoreBench ? kInhibitOfCore : kInhibitMask);
      set_mcycle(s, in, cycles);
      c.frozen_instret = instructions + ((value & 4u) != 0 ? 1 : 0);
      c.instret_offset = instructions - in.retired;
      break;
    }
    case kMscratch:
      c.mscratch = value;
      break;
    case kMepc:
      c.mepc = value & (s.isa.c ? ~1u : ~3u);
      break;
    case kMcause:
      c.mcause = value & 0x8000001fu;
      break;
    case kMtval:
      c.mtval = value;
      break;
    case kMcycle:
      set_mcycle(s, in, with_low(mcycle(s, in), value));
      break;
    case kMcycleh:
      set_mcycle(s, in, with_high(mcycle(s, in), value));
      break;
    case kMinstret:
      set_minstret(s, in, with_low(minstret(s, in), value));
      break;
    case kMinstreth:
      set_minstret(s, in, with_high(minstret(s, in), value));
      break;
    default:
      break;  // misa, mip, mstatush, triggers: fixed values
  }
}

bool is_loop_csr(U number) { return number >= kLpstart0 && number <= kLpcount1; }

}  // namespace

std::optional<std::uint32_t> csr_read(const ArchState& s, std::uint32_t number,
                                      const CsrInputs& in) {
  const auto in_range = [number](U first, U last) { return number >= first && number <= last; };
  if (is_loop_csr(number)) {
    return read_loop(s, number);
  }
  if (in_range(kMhpmevent3, kMhpmevent31)) {
    return s.csr.hpm_event[number - kMhpmevent3];
  }
  if (const int slot = pulp_slot(number); slot >= 0 && s.csr_map == CsrMap::kPulp) {
    return s.csr.pulp[static_cast<unsigned>(slot)];
  }
  if (const int slot = pmp_slot(s, number); slot >= 0) {
    return s.csr.pmp[static_cast<unsigned>(slot)];
  }
  switch (number) {
    case kFflags:
      return fp_csr_off(s) ? std::nullopt : std::optional(s.fflags);
    case kFrm:
      return fp_csr_off(s) ? std::nullopt : std::optional(U{s.frm});
    case kFcsr:
      return fp_csr_off(s) ? std::nullopt : std::optional(U{s.frm} << 5 | s.fflags);
    case kMstatus:
      return mstatus(s);
    case kMisa:
      return misa(s);
    case kMie:
      return s.csr.mie;
    case kMtvec:
      return s.csr.mtvec;
    case kMcountinhibit:
      return s.csr.mcountinhibit;
    case kMscratch:
      return s.csr.mscratch;
    case kMepc:
      return s.csr.mepc;
    case kMcause:
      return s.csr.mcause;
    case kMtval:
      return s.csr.mtval;
    case kMip:
      return in.mip & kInterrupts;
    case kMhartid:
      return s.hart_id;
    case kMvendorid:
      return 0x602;  // OpenHW Group
    case kMarchid:
      return 4;  // CV32E40P
    case kMstatush:
    case kTselect:
    case kTdata1:
    case kTdata2:
    case kTdata3:
    case kTinfo:
    case kMimpid:
    case kMconfigptr:
      return 0;
    default:
      return read_counter(s, number, in);
  }
}

CsrResult csr_access(const Instr& instr, ArchState& s, const CsrInputs& in) {
  const auto number = static_cast<U>(instr.imm);
  const bool swap = instr.op == Op::kCsrrw || instr.op == Op::kCsrrwi;
  const U operand = instr.has(kCsrImmediate) ? U{instr.rs1} : s.r[instr.a];
  // Set and clear do not write when the rs1 field is 0, whatever the register holds.
  const bool writes = swap || instr.rs1 != 0;
  const std::optional<U> old = csr_read(s, number, in);
  if (!old) {
    return CsrResult::kIllegal;
  }
  const bool read_only = (number >> 10) == 3;
  bool ignored = false;
  if (writes && read_only) {
    ignored = s.csr_map == CsrMap::kPulp && (number == kLpstart0 || number == kLpend0);
    if (!ignored) {
      return CsrResult::kIllegal;
    }
  }
  if (writes && !ignored) {
    const bool set = instr.op == Op::kCsrrs || instr.op == Op::kCsrrsi;
    write(s, number, swap ? operand : set ? *old | operand : *old & ~operand, in);
  }
  s.r[instr.d] = *old;
  return ignored ? CsrResult::kIgnoredWrite : CsrResult::kOk;
}

namespace {
void enter(ArchState& s, U cause, U tval, U target) {
  s.csr.mepc = s.pc;
  s.csr.mcause = cause;
  s.csr.mtval = tval;
  s.csr.mstatus = (s.csr.mstatus & kMieBit) != 0 ? kMpieBit : 0;
  s.pc = target;
}
}  // namespace

void enter_trap(ArchState& s, Cause cause, std::uint32_t tval) {
  enter(s, static_cast<U>(cause), tval, s.csr.mtvec & ~3u);
}

void enter_interrupt(ArchState& s, unsigned line) {
  const U base = s.csr.mtvec & ~3u;
  enter(s, 0x80000000u | line, 0, (s.csr.mtvec & 1u) != 0 ? base + 4 * line : base);
}

void mret(ArchState& s) {
  const bool enabled = (s.csr.mstatus & kMpieBit) != 0;
  s.csr.mstatus = kMpieBit | (enabled ? kMieBit : 0);
  s.pc = s.csr.mepc;
}

std::optional<unsigned> pending_interrupt(const ArchState& s, std::uint32_t mip) {
  const U lines = mip & s.csr.mie & kInterrupts;
  if (lines == 0 || (s.csr.mstatus & kMieBit) == 0) {
    return std::nullopt;
  }
  for (unsigned line = 31; line >= 16; --line) {
    if ((lines >> line & 1u) != 0) {
      return line;
    }
  }
  for (const unsigned line : {11u, 3u, 7u}) {
    if ((lines >> line & 1u) != 0) {
      return line;
    }
  }
  return std::nullopt;
}

}  // namespace etude
