// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include <optional>

#include "models/base/interrupt.h"
#include "run/plan/step_meter.h"

namespace etude::python {

/// Whether a signal's handler of Python has raised something, which is kept: asked at most every
/// 20 ms.
class RaisedBySignal {
 public:
  bool look();
  /// Throws what was raised.
  [[noreturn]] void rethrow();

 private:
  std::optional<pybind11::error_already_set> raised_;
  double looked_s_ = 0;
};

/// Does work without Python's lock. Ctrl-C ends it where it asks for interrupts.
template <class Work>
auto long_work(Work work) {
  RaisedBySignal signal;
  const pybind11::gil_scoped_release unlocked;
  const InterruptSource interrupt([&signal] { return signal.look(); });
  try {
    return work();
  } catch (const Interrupted&) {
    signal.rethrow();
  }
}

/// Runs a pass as a function of Python's does, which takes the message (bytes) and returns the
/// account (a text); none: no meter. Within long_work() alone.
run::StepMeter meter_of(const pybind11::object& function);

}  // namespace etude::python
