// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "models/iss/core/core_port.h"

namespace etude {

class Core;

/// Is told each data access of a core in the cycle in which it is granted, before the core goes on:
/// core.access() is it, core.pc() its instruction, and the registers are those before it.
class AccessObserver {
 public:
  /// `rdata` is what a load is answered, in the low bytes; `granted` the cycle.
  virtual void accessed(const Core& core, Cycle granted, std::uint32_t rdata) = 0;

 protected:
  ~AccessObserver() = default;
};

/// Is asked by Core::run_held() before and after each instruction that needs nothing shared; the
/// core may be changed meanwhile as a debugger does it (Core::begin_anew()).
class CoreHolder {
 public:
  /// The instruction at core.pc() is executed now. False if the core was changed: it begins the
  /// instruction at its pc anew.
  virtual bool before(const Core& core) = 0;
  /// It has been, and core.pc() is where it leads to. False if the core was changed.
  virtual bool after(const Core& core) = 0;

 protected:
  ~CoreHolder() = default;
};

/// Is told all that a core books, in the order of time: each cycle since reset() belongs to one
/// call. What a core has run ahead behind the end of the run is never told.
class CoreObserver {
 public:
  /// Everything in core.history() is certain; it is forgotten after the call.
  virtual void booked(const Core& core) = 0;
  /// The instruction at core.pc() has waited for `cycles` cycles more.
  virtual void waited(StallReason why, std::uint64_t cycles) = 0;

  /// The run is over: nothing follows. Waits that the end cut off have been told.
  virtual void ended(const Core& core) = 0;

 protected:
  ~CoreObserver() = default;
};

}  // namespace etude
