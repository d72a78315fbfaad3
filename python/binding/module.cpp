// SPDX-License-Identifier: Apache-2.0
// etude.native._core: the library for Python, texts in and JSON texts out. What they mean is said
// in python/etude/api, which is what users see.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "python/binding/codecs.h"
#include "python/binding/errors.h"
#include "python/binding/long_work.h"
#include "python/binding/model.h"
#include "run/plan/describe.h"
#include "run/plan/plan.h"
#include "run/plan/price.h"
#include "run/plan/program_json.h"
#include "run/plan/schedule_refusal.h"
#include "run/plan/schedule_step.h"
#include "run/plan/workload.h"
#include "sim/config/documents.h"
#include "sim/config/json_file.h"
#include "sim/config/load.h"
#include "sim/report/report.h"
#include "workloads/onnx/onnx_export.h"

namespace etude::python {
namespace {
namespace py = pybind11;
using Sets = std::vector<std::string>;
using Json = nlohmann::ordered_json;

py::tuple resolve(const std::string& file, const Sets& sets) {
  Sets warnings;
  const RootConfig config = load_config(file, sets, warnings);
  std::string text = resolved_json(config);
  std::string hash = content_hash(text);
  return py::make_tuple(std::move(text), std::move(hash), std::move(warnings));
}

std::string describe(const std::string& file, const Sets& sets, const py::object& meter) {
  return long_work([&] {
    Sets warnings;
    const RootConfig config = load_config(file, sets, warnings);
    Json all = run::describe(config, meter_of(meter));
    for (const Json& warning : all.at("warnings")) {
      warnings.push_back(warning.get<std::string>());
    }
    all["warnings"] = warnings;
    return all.dump(2) + "\n";
  });
}

void export_onnx(const std::string& file, const Sets& sets, const std::string& onnx) {
  long_work([&] {
    Sets warnings;
    const run::Workload workload = run::build_workload(load_config(file, sets, warnings));
    write_onnx(onnx, workload.training, workload.parameters);
    return 0;
  });
}

std::string lower(const std::string& file, const Sets& sets, const py::object& meter) {
  return long_work([&] {
    Sets warnings;
    const run::Plan plan(load_config(file, sets, warnings), meter_of(meter));
    Json all = run::program_json(plan.program());
    all["title"] = plan.workload().title;
    for (const std::string& warning : plan.facts().warnings) {
      warnings.push_back(warning);
    }
    all["warnings"] = warnings;
    return all.dump();
  });
}

/// The answer, and the line of the command where it is none.
std::pair<std::string, std::optional<std::string>> schedule(run::ScheduleQuestion question,
                                                            const py::object& meter) {
  return long_work([&] {
    question.meter = meter_of(meter);
    const Json answer = run::schedule_step(question);
    std::optional<std::string> refusal;
    if (!question.compare) {
      const std::string status = answer.at("status").get<std::string>();
      if (status != "optimal" && status != "feasible") {
        refusal = run::refusal_of(answer);
      }
    }
    return std::pair(answer.dump(2) + "\n", refusal);
  });
}

std::string price(const std::string& folder, const Sets& sets) {
  return long_work([&] { return run::price_folder(folder, sets).dump(1) + "\n"; });
}

std::string report(const std::string& result, bool colours) {
  return terminal_report(Json::parse(result), colours);
}

void bind_question(py::module_& module) {
  using Question = run::ScheduleQuestion;
  py::class_<Question>(module, "Question")
      .def(py::init<>())
      .def_readwrite("config", &Question::config)
      .def_readwrite("sets", &Question::sets)
      .def_readwrite("device", &Question::device)
      .def_readwrite("batch", &Question::batch)
      .def_readwrite("graph", &Question::graph)
      .def_readwrite("policy", &Question::policy)
      .def_readwrite("objective", &Question::objective)
      .def_readwrite("page_to", &Question::page_to)
      .def_readwrite("budget", &Question::budget)
      .def_readwrite("deadline", &Question::deadline)
      .def_readwrite("time_limit", &Question::time_limit)
      .def_readwrite("compare", &Question::compare)
      .def_readwrite("out", &Question::out);
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  module.attr("version") = ETUDE_VERSION;
  translate_errors();
  bind_question(module);
  bind_model(module);
  wait_at_exit();
  bind_codecs(module);
  module.def("schemas", &config_schemas);
  module.def("check_keys", &check_keys, py::arg("file"), py::arg("sets"));
  module.def("resolve", &resolve, py::arg("file"), py::arg("sets"));
  module.def("describe", &describe, py::arg("file"), py::arg("sets"), py::arg("meter"));
  module.def("export_onnx", &export_onnx, py::arg("file"), py::arg("sets"), py::arg("onnx"));
  module.def("lower", &lower, py::arg("file"), py::arg("sets"), py::arg("meter"));
  module.def("schedule", &schedule, py::arg("question"), py::arg("meter"));
  module.def("price", &price, py::arg("folder"), py::arg("sets"));
  module.def("report", &report, py::arg("result"), py::arg("colours"));
}

}  // namespace etude::python
