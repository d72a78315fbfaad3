// SPDX-License-Identifier: Apache-2.0
#include "python/binding/model.h"

#include <pybind11/stl.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "python/binding/long_work.h"
#include "run/plan/model_session.h"
#include "run/plan/pass_message.h"
#include "run/plan/result_folder.h"
#include "run/plan/run_command.h"
#include "sim/config/load.h"

namespace etude::python {
namespace {
namespace py = pybind11;
using Sets = std::vector<std::string>;
using Json = nlohmann::ordered_json;

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
  template <class Work>
  auto work(const Work& what) {
    const auto began = std::chrono::steady_clock::now();
    if (leave_parents()) {
      begin();
    }
    return long_work([&] { return what(*session_, began); });
  }

 public:
  explicit Model(py::object measure) : measure_(std::move(measure)) { begin(); }
  ~Model() { leave_parents(); }
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  std::string result(const std::string& file, const Sets& sets) {
    return work([&](auto& session, const auto& began) {
      Sets warnings;
      RootConfig config = load_config(file, sets, warnings);
      return session.result(config, warnings, began).dump(1) + "\n";
    });
  }

  std::string numbers(const std::string& file, const Sets& sets) {
    return work([&](auto& session, const auto& began) {
      Sets warnings;
      RootConfig config = load_config(file, sets, warnings);
      return numbers_of(session.result(config, warnings, began, run::Detail::kStep));
    });
  }

  /// A run with its folder of results, as the command leaves it.
  void run(const std::string& file, const Sets& sets, const std::string& out) {
    work([&](auto& session, const auto& began) {
      Sets warnings;
      RootConfig config = load_config(file, sets, warnings);
      run::ResultFolder folder(out);
      Json result = session.result(config, warnings, began);
      result["simulator"]["command"] = run::run_command(file, sets);
      folder.finish(config, {}, result);
      return 0;
    });
  }

 private:
  void begin() {
    process_ = getpid();
    session_ =
        std::make_unique<run::ModelSession>(run::lone_database_file(), pass_meter_of(measure_));
  }

  /// A process that was forked has the parent's session in whatever state it was: it is left alone,
  /// for neither its locks nor its database can be used, or given back.
  bool leave_parents() {
    if (process_ == getpid()) {
      return false;
    }
    [[maybe_unused]] const auto* left = session_.release();
    return true;
  }

  py::object measure_;
  pid_t process_ = 0;
  std::unique_ptr<run::ModelSession> session_;
};

}  // namespace

void bind_model(py::module_& module) {
  py::class_<Model>(module, "Model")
      .def(py::init<py::object>(), py::arg("measure"))
      .def("result", &Model::result, py::arg("file"), py::arg("sets"))
      .def("numbers", &Model::numbers, py::arg("file"), py::arg("sets"))
      .def("run", &Model::run, py::arg("file"), py::arg("sets"), py::arg("out"));
  module.def("end_models", &WorkUnderWay::end_all);
}

}  // namespace etude::python
