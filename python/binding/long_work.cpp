// SPDX-License-Identifier: Apache-2.0
#include "python/binding/long_work.h"

#include <chrono>
#include <string>
#include <utility>

#include "run/plan/pass_message.h"
#include "run/plan/plan.h"

namespace etude::python {
namespace py = pybind11;

bool RaisedBySignal::look() {
  const double now =
      std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  if (now - looked_s_ < 0.02) {
    return raised_.has_value();
  }
  looked_s_ = now;
  const py::gil_scoped_acquire locked;
  if (!raised_ && PyErr_CheckSignals() != 0) {  // the main thread's alone; elsewhere nothing
    raised_.emplace();
  }
  return raised_.has_value();
}

void RaisedBySignal::rethrow() { throw *std::exchange(raised_, std::nullopt); }

run::StepMeter meter_of(const py::object& function) {
  if (function.is_none()) {
    return {};
  }
  return [&function](const run::Plan& plan) {
    const std::string message = run::to_bytes(run::PassMessage(plan));
    std::string account;
    {
      const py::gil_scoped_acquire locked;
      account = function(py::bytes(message)).cast<std::string>();
    }
    return run::read_account(account);
  };
}

}  // namespace etude::python
