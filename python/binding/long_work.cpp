// SPDX-License-Identifier: Apache-2.0
#include "python/binding/long_work.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "run/plan/pass_message.h"
#include "run/plan/plan.h"

namespace etude::python {
namespace py = pybind11;

namespace {
/// How often all work was told to end.
std::atomic<unsigned> ended{0};
/// Calls that are under way, and whether none may begin any more: with Python's lock.
std::atomic<unsigned> under_way{0};
bool process_ends = false;

[[noreturn]] void raise_interrupt() {
  PyErr_SetNone(PyExc_KeyboardInterrupt);
  throw py::error_already_set();
}

void finish_work() {
  process_ends = true;
  WorkUnderWay::end_all();
  const py::gil_scoped_release unlocked;
  while (under_way != 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}
}  // namespace

WorkUnderWay::WorkUnderWay() : before_(ended) {
  if (process_ends) {
    raise_interrupt();
  }
  ++under_way;
}

WorkUnderWay::~WorkUnderWay() { --under_way; }

bool WorkUnderWay::told_to_end() const { return ended != before_; }

void WorkUnderWay::end_all() { ++ended; }

void wait_at_exit() {
  // A process that was forked has none of the other threads.
  pthread_atfork(nullptr, nullptr, [] { under_way = 0; });
  py::module_::import("atexit").attr("register")(py::cpp_function(&finish_work));
}

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
