// SPDX-License-Identifier: Apache-2.0
#include "python/binding/model.h"

#include <pybind11/stl.h>

#include <atomic>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "models/base/interrupt.h"
#include "python/binding/long_work.h"
#include "run/plan/model_session.h"
#include "run/plan/pass_message.h"
#include "sim/config/load.h"

namespace etude::python {
namespace {
namespace py = pybind11;
using Sets = std::vector<std::string>;
using Json = nlohmann::ordered_json;

/// How often work was ended: what began before ends where it asks for interrupts.
std::atomic<unsigned> ended{0};

/// Measures by a function of Python's, which takes the message (bytes) and returns the account.
run::PassMeter pass_meter_of(py::object function) {
  return [function = std::move(function)](const std::function<run::PassMessage()>& message) {
    const std::string bytes = run::to_bytes(message());
    std::string account;
    {
      const py::gil_scoped_acquire locked;
      account = function(py::bytes(bytes)).cast<std::string>();
    }
    return run::read_account(account);
  };
}

/// What a sweep may look at: no texts.
std::string numbers_of(Json result) {
  for (const char* name :
       {"layers", "timeline", "assumptions", "area_bill", "bounds", "warnings"}) {
    result.erase(name);
  }
  result["energy_bill"].erase("terms");
  return result.dump();
}

class Model {
 public:
  explicit Model(py::object measure)
      : session_(run::lone_database_file(), pass_meter_of(std::move(measure))) {}

  std::string result(const std::string& file, const Sets& sets) {
    return work([&](const auto& began) {
      Sets warnings;
      RootConfig config = load_config(file, sets, warnings);
      return session_.result(config, warnings, began).dump(1) + "\n";
    });
  }

  std::string numbers(const std::string& file, const Sets& sets) {
    return work([&](const auto& began) {
      Sets warnings;
      RootConfig config = load_config(file, sets, warnings);
      return numbers_of(session_.result(config, warnings, began, run::Detail::kStep));
    });
  }

 private:
  template <class Work>
  std::string work(const Work& work) {
    const auto began = std::chrono::steady_clock::now();
    RaisedBySignal signal;
    const unsigned before = ended;
    try {
      const py::gil_scoped_release unlocked;
      const InterruptSource interrupt([&] { return ended != before || signal.look(); });
      return work(began);
    } catch (const Interrupted&) {
      if (ended == before) {
        signal.rethrow();
      }
      PyErr_SetNone(PyExc_KeyboardInterrupt);
      throw py::error_already_set();
    }
  }

  run::ModelSession session_;
};

}  // namespace

void bind_model(py::module_& module) {
  py::class_<Model>(module, "Model")
      .def(py::init<py::object>(), py::arg("measure"))
      .def("result", &Model::result, py::arg("file"), py::arg("sets"))
      .def("numbers", &Model::numbers, py::arg("file"), py::arg("sets"));
  module.def("end_models", [] { ++ended; });
}

}  // namespace etude::python
