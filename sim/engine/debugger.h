// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/base/types.h"
#include "models/iss/core/core_port.h"

namespace etude {

class Core;

/// The machine as a debugger sees it while it holds it: reading changes nothing, and no time
/// passes.
class DebugTarget {
 public:
  virtual unsigned harts() const = 0;
  virtual const Core& hart(unsigned hart) const = 0;
  virtual std::string hart_name(unsigned hart) const = 0;
  virtual Cycle cycle() const = 0;
  /// What the hart waits for, in words; empty: nothing.
  virtual std::string state_text(unsigned hart) const = 0;
  /// The value of a control and status register, or nothing if the hart has no such register.
  virtual std::optional<std::uint32_t> csr(unsigned hart, std::uint32_t number) const = 0;
  /// Bytes of any memory; nothing where none is mapped (reading a peripheral may change it).
  virtual std::optional<std::vector<std::uint8_t>> read(Address address, Bytes bytes) = 0;

  // These change the program; false if that cannot be done now.
  virtual bool write(Address address, std::span<const std::uint8_t> bytes) = 0;
  /// x1..x31 (`n` from 1 on) or f0..f31 (from 32 on).
  virtual bool set_register(unsigned hart, unsigned n, std::uint32_t value) = 0;
  virtual bool set_csr(unsigned hart, std::uint32_t number, std::uint32_t value) = 0;
  virtual bool set_pc(unsigned hart, std::uint32_t pc) = 0;

 protected:
  ~DebugTarget() = default;
};

/// Is asked before each instruction takes effect, in the cycle in which it does: an instruction
/// that needs nothing shared when it enters EX, a data access when it is granted. While a call has
/// not returned, the machine stands still. The engine drives all cores cycle by cycle (lockstep)
/// when there is one; cycles are the same as without.
class Debugger {
 public:
  virtual ~Debugger() = default;

  /// Before the first cycle. `target` lives as long as the run.
  virtual void begin(DebugTarget& target) = 0;
  /// True if before() wants to be called for the instruction at `pc`. Harts ask often.
  virtual bool stops_before(unsigned hart, std::uint32_t pc) = 0;
  /// The instruction at the hart's pc takes effect when this returns; `access` of a load or store,
  /// of which parts that were refused meanwhile may be told again, else null.
  virtual void before(unsigned hart, const DataAccess* access) = 0;
  /// An instruction of the hart took effect, or a part of a misaligned access.
  virtual void after(unsigned hart) = 0;
  /// Now and then, between two cycles.
  virtual void poll() = 0;
  /// The program has failed; the run ends when this returns.
  virtual void failed(const std::string& why) = 0;
};

}  // namespace etude
