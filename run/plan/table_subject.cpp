// SPDX-License-Identifier: Apache-2.0
#include "run/plan/table_subject.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "models/base/error.h"
#include "run/plan/device_table.h"
#include "run/plan/workload.h"
#include "sim/config/json_file.h"
#include "sim/config/load.h"
#include "workloads/training/flops.h"

namespace etude::run {
namespace {
using compiler::ScheduleProblem;
using Json = nlohmann::ordered_json;

bool is_counted(const std::string& name) {
  return std::ranges::find(counted_networks(), name) != counted_networks().end();
}

CountedGraph graph_of(const ScheduleQuestion& question) {
  const std::string word = question.graph.value_or("published");
  if (word != "published" && word != "corrected") {
    throw UserError("--graph", "'" + word + "' is unknown here", "give published or corrected");
  }
  return word == "published" ? CountedGraph::kPublished : CountedGraph::kCorrected;
}

/// `question.config` as a configuration: a file, or the name of a network on the default platform.
RootConfig read_config(const ScheduleQuestion& question, std::vector<std::string>& warnings) {
  if (question.config.find_first_of("./") != std::string::npos || find_file(question.config, {})) {
    return load_config(question.config, sets_of(question), warnings);
  }
  if (!question.sets.empty()) {
    throw UserError("--set", "is given beside the name of a network",
                    "write a configuration, or leave it out");
  }
  RootConfig config;
  config.platform = load_platform("", {});
  config.workload.network = question.config;
  config.workload.batch = question.batch.value_or(1);
  return config;
}

/// Adds operations to the sums of a phase and of a kind of operator in it.
void count(Json& sums, const std::string& phase, const std::string& kind, std::uint64_t flop) {
  const auto add = [&](Json& to) {
    Json& sum = to[phase];
    sum = (sum.is_null() ? 0 : sum.get<std::uint64_t>()) + flop;
  };
  add(sums);
  add(sums["operators"][kind]);
}

Json flop_of(const CountedStep& step) {
  Json sums{{"forward", 0}, {"backward", 0}, {"operators", Json::object()}};
  for (const CountedSlot& slot : step.slots) {
    const std::string kind = slot.name.substr(
        0, slot.name.substr(0, slot.name.find('.')).find_last_not_of("0123456789") + 1);
    count(sums, slot.forward ? "forward" : "backward", kind, slot.flop);
  }
  return sums;
}

Json flop_of(const Graph& graph) {
  Json sums{{"forward", 0}, {"backward", 0}, {"operators", Json::object()}};
  for (const Node& node : graph.nodes()) {
    count(sums, name_of(node.phase), std::string(names_of(node.op).name), flops(graph, node));
  }
  return sums;
}

/// A file that could not be written is refused before anything is searched for.
void check_graph_file(const ScheduleQuestion& question) {
  namespace fs = std::filesystem;
  const fs::path file = *question.write_graph;
  std::error_code error;
  const bool folder = fs::is_directory(file.has_parent_path() ? file.parent_path() : ".", error);
  if (!folder || !file.has_filename() || fs::is_directory(file, error)) {
    throw UserError("--write-graph", "cannot write " + file.string(),
                    "name a file in a folder that exists");
  }
  if (!question.out.empty() &&
      fs::weakly_canonical(file, error) == fs::weakly_canonical(fs::path(question.out), error)) {
    throw UserError("--write-graph", "is the file of --out, too", "give each a name of its own");
  }
}

void on_counted_network(const ScheduleQuestion& question, const std::string& name, unsigned batch,
                        const DeviceTable& device, TableSubject& subject) {
  const CountedGraph graph = graph_of(question);
  const CountedNetwork network = make_counted_network(name, batch, graph);
  const CountedStep step = training_step(network);
  subject.problem = problem_on(step, device);
  subject.flop = flop_of(step);
  subject.parts.batch = batch;
  if (graph == CountedGraph::kPublished) {
    subject.warnings.push_back(name + " is the published graph, operations as counted there: " +
                               "docs/devices.md names what is wrong in it; --graph corrected");
  }
  subject.parts.pass = [=](unsigned parts) {
    return problem_on(training_step(make_counted_network(name, batch / parts, graph)), device);
  };
  if (question.write_graph) {
    check_graph_file(question);
    subject.graph = graph_with_costs(step, device, network.name + " on " + device.name);
  }
}

/// `flop`: where to put the operations, or null.
ScheduleProblem compiled_problem(const RootConfig& config, const DeviceTable& device,
                                 Json* flop = nullptr) {
  RootConfig large = config;  // the table's device has no memories of its own to refuse a graph
  large.platform.hyperram.size = Bytes{std::uint64_t{1} << 40};
  const Workload workload = build_workload(large);
  const compiler::Step step(workload.training, config.platform, config.tiling,
                            config.train.precision, true);
  if (flop != nullptr) {
    *flop = flop_of(step.graph());
  }
  return compiler::problem_of(step, compiler::traffic_of_graph(step), costs_on(step, device))
      .problem;
}

void on_table(const ScheduleQuestion& question, const DeviceTable& device, TableSubject& subject) {
  if (question.config.empty()) {
    throw UserError(question.device, "is a cost table, and there is nothing to schedule on it",
                    "name a configuration or a network, such as " + counted_networks().front());
  }
  subject.device = device.name;
  subject.memory = device.memory;
  for (const std::string& note : device.notes) {
    subject.warnings.push_back(device.name + ": " + note);
  }
  if (is_counted(question.config)) {
    if (!question.sets.empty()) {
      throw UserError("--set", "is given beside the name of a network",
                      "write a configuration, or leave it out");
    }
    on_counted_network(question, question.config, question.batch.value_or(1), device, subject);
    return;
  }
  subject.config = read_config(question, subject.warnings);
  const RootConfig& config = *subject.config;
  if (!config.schedule.file.empty()) {
    throw UserError("/schedule/file", "is for a step on its own platform",
                    "leave it out, or leave out --device");
  }
  if (is_counted(config.workload.network)) {
    on_counted_network(question, config.workload.network, config.workload.batch, device, subject);
    return;
  }
  if (question.write_graph || question.graph) {
    throw UserError(question.write_graph ? "--write-graph" : "--graph",
                    "is for networks with counted operators",
                    "name one of them: resnet18_cifar and others of docs/devices.md");
  }
  subject.problem = compiled_problem(config, device, &subject.flop);
  subject.parts.batch = config.workload.batch;
  if (config.workload.onnx.empty()) {
    subject.parts.pass = [config, device](unsigned parts) {
      return compiled_problem(pass_of(config, parts), device);
    };
  }
}

/// Options that are of cost tables alone.
void refuse_without_table(const ScheduleQuestion& question) {
  const std::string instead = question.device.empty()
                                  ? "give one: --device configs/devices/nrf52840.json"
                                  : "leave it out: " + question.device + " has the graph";
  if (question.batch && !question.device.empty()) {
    throw UserError("--batch", "is given beside a graph with its costs", instead);
  }
  const auto of_schedules = [](const std::string& set) { return set.starts_with("/schedule/"); };
  if (!question.device.empty() &&
      (question.config.empty() ? !question.sets.empty()
                               : !std::ranges::all_of(question.sets, of_schedules))) {
    throw UserError("--set", "changes nothing beside a graph with its costs",
                    "leave it out, or change keys of /schedule of a configuration");
  }
  if (question.graph || question.write_graph) {
    throw UserError(question.graph ? "--graph" : "--write-graph",
                    "is for a network on a cost table", instead);
  }
}

}  // namespace

std::vector<std::string> sets_of(const ScheduleQuestion& question) {
  std::vector<std::string> sets = question.sets;
  if (question.batch && (*question.batch == 0 || *question.batch > 65535)) {
    throw UserError("--batch", std::to_string(*question.batch) + " is no number of samples",
                    "give 1 to 65535");
  }
  if (question.batch) {
    sets.push_back("/workload/batch=" + std::to_string(*question.batch));
  }
  return sets;
}

std::optional<TableSubject> table_subject(const ScheduleQuestion& question) {
  sets_of(question);  // a wrong batch is refused
  if (!question.device.empty()) {
    // By its own name, else as a configuration names files, else as the name of a table.
    auto found = find_file(question.device, {});
    if (!found && question.device.find_first_of("./") == std::string::npos) {
      found = find_file("devices/" + question.device + ".json", {});
    }
    const auto file = read_json_file(found ? found->string() : question.device);
    if (device_file_of(file, question.device) == DeviceFile::kCostTable) {
      TableSubject subject;
      on_table(question, read_device_table(file, question.device), subject);
      return subject;
    }
  }
  refuse_without_table(question);
  return std::nullopt;
}

std::string graph_file(const std::optional<TableSubject>& subject, const Json& answer) {
  const std::string status = answer.value("status", "");
  const bool answered = answer.contains("policies") || status == "optimal" || status == "feasible";
  return subject && !subject->graph.is_null() && answered ? subject->graph.dump(1) + "\n" : "";
}

}  // namespace etude::run
