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

/// A call that works without Python's lock. Made and ended with it.
class WorkUnderWay {
 public:
  /// Throws KeyboardInterrupt where the process is about to end.
  WorkUnderWay();
  ~WorkUnderWay();
  WorkUnderWay(const WorkUnderWay&) = delete;
  WorkUnderWay& operator=(const WorkUnderWay&) = delete;

  /// Whether all work was asked to end since this began.
  bool told_to_end() const;
  /// Asks all work of this process to end where it asks for interrupts.
  static void end_all();

 private:
  unsigned before_;
};

/// Has the process wait at its end until the threads that work here are done, or have been told:
/// what they use is taken down next, and they could not have Python's lock again.
void wait_at_exit();

/// Does work without Python's lock. Ctrl-C, end_all() and the end of the process end it where
/// it asks for interrupts: KeyboardInterrupt, or what a handler of signals raised.
template <class Work>
auto long_work(Work work) {
  const WorkUnderWay under_way;
  RaisedBySignal signal;
  try {
    const pybind11::gil_scoped_release unlocked;
    const InterruptSource interrupt([&] { return under_way.told_to_end() || signal.look(); });
    return work();
  } catch (const Interrupted&) {
    if (!under_way.told_to_end()) {
      signal.rethrow();
    }
    PyErr_SetNone(PyExc_KeyboardInterrupt);
    throw pybind11::error_already_set();
  }
}

/// Runs a pass as a function of Python's does, which takes the message (bytes) and returns the
/// account (a text); none: no meter. Within long_work() alone.
run::StepMeter meter_of(const pybind11::object& function);

}  // namespace etude::python
