// SPDX-License-Identifier: Apache-2.0
#include "run/plan/device_table.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "models/base/error.h"
#include "run/plan/json_fields.h"
#include "workloads/training/flops.h"

namespace etude::run {
namespace {
using Json = nlohmann::ordered_json;

constexpr double kLeastRate = 1e-3;
/// FLOP/s over W and FLOP/J may differ this much before it is worth a note.
constexpr double kSameEnergy = 0.01;

const std::vector<std::string>& table_keys() {
  static const std::vector<std::string> keys{
      "name",     "flop_per_s",           "flop_per_j",          "compute_w",
      "page_w",   "page_in_latency_s",    "page_in_bytes_per_s", "page_out_latency_s",
      "static_w", "page_out_bytes_per_s", "memory_bytes",        "inconsistencies"};
  return keys;
}

/// Figures of a table, each with unit, status and source.
class FigureReader {
 public:
  FigureReader(const JsonFields& head, DeviceTable& device) : head_(head), device_(device) {}

  double read(const char* key, const std::string& unit, double least) {
    const JsonFields figure(head_.at(key), head_.where() + ", \"" + key + "\"",
                            {"value", "unit", "status", "source"},
                            "give one with value, unit, status and source");
    const std::string given = figure.text("unit"), status = figure.text("status");
    if (given != unit) {
      throw UserError(figure.where(), "\"unit\" is \"" + given + "\"",
                      "give the figure in " + unit);
    }
    if (status != "published" && status != "measured" && status != "derived" &&
        status != "assumed") {
      throw UserError(figure.where(), "\"status\" is \"" + status + "\"",
                      "give published, measured, derived or assumed");
    }
    (void)figure.text("source");  // it says where the figure is from
    const double value = figure.number("value", least);
    if (status == "assumed") {
      std::ostringstream note;
      note << "assumed: " << key << " = " << value << ' ' << unit << " (" << figure.text("source")
           << ")";
      device_.notes.push_back(note.str());
    }
    return value;
  }

 private:
  const JsonFields& head_;
  DeviceTable& device_;
};

void read_notes(const JsonFields& head, DeviceTable& device) {
  if (!head.has("inconsistencies")) {
    return;
  }
  const Json& list = head.at("inconsistencies");
  if (!list.is_array() ||
      !std::ranges::all_of(list, [](const Json& text) { return text.is_string(); })) {
    throw UserError(head.where(), "\"inconsistencies\" is no list of texts",
                    "give one, or leave it out");
  }
  for (const Json& text : list) {
    device.notes.push_back(text.get<std::string>());
  }
}

}  // namespace

compiler::PageCost DeviceTable::page(Bytes bytes, bool in) const {
  const double size = static_cast<double>(bytes.raw());
  const double seconds = in ? page_in_latency_s + size / page_in_bytes_per_s
                            : page_out_latency_s + size / page_out_bytes_per_s;
  return {seconds, seconds * page_w};
}

DeviceFile device_file_of(const Json& file, const std::string& where) {
  if (file.is_object() && file.contains("slots")) {
    return DeviceFile::kGraphWithCosts;
  }
  const bool table = file.is_object() && std::ranges::any_of(table_keys(), [&](const auto& key) {
                       return key != "static_w" && key != "memory_bytes" && file.contains(key);
                     });
  if (table) {
    return DeviceFile::kCostTable;
  }
  throw UserError(where, "is neither a graph with its costs nor a cost table",
                  "give an object with \"slots\", or one with \"flop_per_s\" and the other figures "
                  "of docs/devices.md");
}

DeviceTable read_device_table(const Json& file, const std::string& where) {
  const JsonFields head(file, where, table_keys(), "give a cost table");
  DeviceTable device;
  device.name = head.text("name");
  FigureReader figures(head, device);
  device.flop_per_s = figures.read("flop_per_s", "FLOP/s", kLeastRate);
  device.flop_per_j = figures.read("flop_per_j", "FLOP/J", kLeastRate);
  device.page_in_latency_s = figures.read("page_in_latency_s", "s", 0);
  device.page_in_bytes_per_s = figures.read("page_in_bytes_per_s", "B/s", kLeastRate);
  device.page_out_latency_s = figures.read("page_out_latency_s", "s", 0);
  device.page_out_bytes_per_s = figures.read("page_out_bytes_per_s", "B/s", kLeastRate);
  device.page_w = figures.read("page_w", "W", 0);
  if (head.has("static_w")) {
    device.static_w = figures.read("static_w", "W", 0);
  }
  if (head.has("compute_w")) {
    const double watts = figures.read("compute_w", "W", kLeastRate);
    const double by_power = device.flop_per_s / watts;
    if (std::abs(by_power / device.flop_per_j - 1) > kSameEnergy) {
      std::ostringstream note;
      note << "flop_per_s over compute_w is " << by_power << " FLOP/J, flop_per_j says "
           << device.flop_per_j << ": times and energies are not of the same run";
      device.notes.push_back(note.str());
    }
  }
  if (head.has("memory_bytes")) {
    const double bytes = figures.read("memory_bytes", "B", 1);
    if (bytes != std::floor(bytes)) {
      throw UserError(where + ", \"memory_bytes\"", "\"value\" is no number of bytes",
                      "give a whole number");
    }
    device.memory = Bytes{static_cast<std::uint64_t>(bytes)};
  }
  read_notes(head, device);
  return device;
}

compiler::ScheduleProblem problem_on(const CountedStep& step, const DeviceTable& device) {
  compiler::ScheduleProblem problem;
  for (const CountedSlot& slot : step.slots) {
    compiler::ProblemSlot& made = problem.slots.emplace_back();
    made.name = slot.name;
    made.seconds = device.seconds(slot.flop);
    made.joules = device.joules(slot.flop);
    made.recomputable = slot.forward;
  }
  for (const CountedTensor& tensor : step.tensors) {
    const Bytes bytes{tensor.bytes};
    problem.tensors.push_back({tensor.name,
                               bytes,
                               tensor.producer,
                               {tensor.uses.begin(), tensor.uses.end()},
                               false,
                               device.page(bytes, true),
                               device.page(bytes, false)});
  }
  problem.static_w = device.static_w;
  problem.complete(device.name);
  return problem;
}

compiler::StepCosts costs_on(const compiler::Step& step, const DeviceTable& device) {
  compiler::StepCosts costs;
  for (const compiler::Operator& op : step.operators) {
    std::uint64_t flop = 0;
    for (const NodeId node : op.nodes()) {
      flop += flops(step.graph(), step.graph().node(node));
    }
    costs.seconds.push_back(device.seconds(flop));
    costs.joules.push_back(device.joules(flop));
  }
  costs.page = [device](Bytes bytes, bool in) { return device.page(bytes, in); };
  costs.static_w = device.static_w;
  return costs;
}

Json graph_with_costs(const CountedStep& step, const DeviceTable& device,
                      const std::string& source) {
  const compiler::ScheduleProblem problem = problem_on(step, device);
  Json file{{"source", source},
            {"page_in_latency_s", device.page_in_latency_s},
            {"page_in_bytes_per_s", device.page_in_bytes_per_s},
            {"page_out_latency_s", device.page_out_latency_s},
            {"page_out_bytes_per_s", device.page_out_bytes_per_s},
            {"static_w", device.static_w},
            {"peak_keep_bytes", problem.peak_keep().raw()}};
  Json slots = Json::array();
  for (std::size_t i = 0; i < step.slots.size(); ++i) {
    const CountedSlot& slot = step.slots[i];
    if (slot.outputs.size() != 1) {
      throw UserError(
          "--write-graph",
          "'" + slot.name + "' makes " + std::to_string(slot.outputs.size()) + " tensors",
          "such a file has one for each slot: give a published graph");
    }
    const compiler::ProblemTensor& made = problem.tensors[slot.outputs.front()];
    Json inputs;
    if (slot.forward) {
      inputs = Json::array();
      for (const std::uint32_t input : slot.inputs) {
        inputs.push_back(step.tensors[input].producer);
      }
    }
    slots.push_back({{"name", slot.name},
                     {"flop", slot.flop},
                     {"time_s", problem.slots[i].seconds},
                     {"energy_j", problem.slots[i].joules},
                     {"bytes", made.bytes.raw()},
                     {"inputs", inputs},
                     {"forward", slot.forward},
                     {"used_by", step.tensors[slot.outputs.front()].uses},
                     {"page_in_j", made.page_in.joules},
                     {"page_out_j", made.page_out.joules}});
  }
  file["slots"] = slots;
  return file;
}

}  // namespace etude::run
