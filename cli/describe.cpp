// SPDX-License-Identifier: Apache-2.0
// etude-sim describe: what a configuration will run, without simulating it.
#include "run/plan/describe.h"

#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/commands.h"
#include "run/execute/meter.h"
#include "run/plan/workload.h"
#include "sim/config/load.h"
#include "sim/report/text.h"
#include "workloads/onnx/onnx_export.h"

namespace etude::cli {
namespace {
using Json = nlohmann::ordered_json;

struct DescribeArguments {
  std::string config;
  std::vector<std::string> sets;
  bool json = false;
  std::string onnx;
};

std::string shape_text(const Json& shape) {
  std::string text;
  for (const Json& extent : shape) {
    text += (text.empty() ? "" : "x") + extent.dump();
  }
  return text.empty() ? "scalar" : text;
}

/// "4x32", with names of symbolic extents: "batch=4x32".
std::string extents_text(const Json& value) {
  std::string text;
  const Json& shape = value.at("shape");
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::string symbol =
        value.contains("symbols") ? value["symbols"][i].get<std::string>() + "=" : "=";
    text += (i == 0 ? "" : "x") + (symbol == "=" ? "" : symbol) + shape[i].dump();
  }
  return text.empty() ? "scalar" : text;
}

/// Inputs, outputs, and the layers as /train/layers names them.
std::string network_text(const Json& network) {
  TextTable values({"value", "<", "<type", "<shape"});
  for (const auto& [list, kind] : {std::pair("inputs", "input"), std::pair("outputs", "output")}) {
    for (const Json& value : network.at(list)) {
      values.add({value.at("name").get<std::string>(), kind, value.at("type").get<std::string>(),
                  extents_text(value)});
    }
  }
  TextTable layers({"layer", "<op", "<block", "<LoRA", "<parameters"});
  for (const Json& layer : network.at("layers")) {
    std::string parameters;
    for (const Json& parameter : layer.at("parameters")) {
      parameters += (parameters.empty() ? "" : ", ") + parameter.at("name").get<std::string>() +
                    " " + shape_text(parameter.at("shape")) +
                    (parameter.at("trainable").get<bool>() ? "" : " (frozen)");
    }
    layers.add({layer.at("name").get<std::string>(), layer.at("op").get<std::string>(),
                layer.at("block").get<std::string>(), layer.at("adapters") ? "yes" : "",
                parameters});
  }
  return values.text() + "\n" + (layers.empty() ? "" : layers.text() + "\n");
}

std::string bytes_text(const Json& bytes) {
  const auto number = bytes.get<std::uint64_t>();
  return number == 0 ? "" : with_commas(number);
}

std::string nodes_text(const Json& all) {
  TextTable table({"node", "<op", "<phase", "<output", "MACs", "weights B", "output B"});
  for (const Json& node : all.at("nodes")) {
    const auto macs = node.at("macs").get<std::uint64_t>();
    table.add({node.at("name").get<std::string>(), node.at("op").get<std::string>(),
               node.at("phase").get<std::string>(), shape_text(node.at("shape")),
               macs == 0 ? "" : with_commas(macs), bytes_text(node.at("weight_bytes")),
               bytes_text(node.at("output_bytes"))});
  }
  return table.text();
}

/// "flash       12,345 B: code 1,234, weights ...", and the arena likewise.
std::string accounting_text(const Json& accounting) {
  std::string text;
  for (const char* memory : {"flash", "arena"}) {
    std::string parts;
    for (const auto& [name, bytes] : accounting.at(memory).items()) {
      std::string words = name;
      std::ranges::replace(words, '_', ' ');
      if (name != "total") {
        parts += (parts.empty() ? "" : ", ") + words + " " +
                 (bytes.is_null() ? "unknown" : with_commas(bytes.get<std::uint64_t>()));
      }
    }
    text += std::string(memory) + "       " +
            with_commas(accounting.at(memory).at("total").get<std::uint64_t>()) + " B: " + parts +
            "\n";
  }
  return text;
}

/// What a device has to have, and warnings.
std::string end_text(const Json& all) {
  std::string text = all.contains("accounting") ? "\n" + accounting_text(all["accounting"]) : "";
  for (const Json& warning : all.at("warnings")) {
    text += "warning: " + warning.get<std::string>() + "\n";
  }
  return text;
}

std::string as_text(const Json& all) {
  const auto number = [&](const char* group, const char* name) {
    return with_commas(all.at(group).at(name).get<std::uint64_t>());
  };
  std::string text = all.at("title").get<std::string>() + "\n\n";
  text += "parameters  " + number("parameters", "elements") + " (" + number("parameters", "bytes") +
          " B), trainable " + number("parameters", "trainable") + "\n";
  text += "MACs        forward " + number("macs", "forward") + ", backward " +
          number("macs", "backward") + ", update " + number("macs", "update") + ", total " +
          number("macs", "total") + "\n";
  if (!all.contains("memory")) {
    text += "memory      not known: the graph does not run on the simulated chip yet\n\n";
    return text + network_text(all.at("network")) + nodes_text(all) + end_text(all);
  }
  text += "memory      L1 " + number("memory", "l1_peak") + " B, L2 " +
          number("memory", "l2_peak") + " B, L3 " + number("memory", "l3_peak") +
          " B; dynamic peak " + number("memory", "activations_peak") + " B; home " +
          all.at("home").get<std::string>() + "\n";
  text += "traffic     L2 to L1 " + number("traffic", "l2_l1_read") + " B, back " +
          number("traffic", "l2_l1_write") + " B; L3 to L2 " + number("traffic", "l3_l2_read") +
          " B, back " + number("traffic", "l3_l2_write") + " B\n";
  text += "tasks       " + number("tasks", "operations") +
          " operations: " + number("tasks", "kernels") + " kernels, " +
          number("tasks", "redmule_jobs") + " RedMulE jobs, " + number("tasks", "dma_transfers") +
          " DMA and " + number("tasks", "soc_dma_transfers") + " SoC DMA transfers\n\n";
  if (all.contains("packed")) {
    std::string others;
    for (const Json& name : all.at("packed").at("in_fp32")) {
      others += (others.empty() ? "" : ", ") + name.get<std::string>();
    }
    text += "packed      " + std::to_string(all.at("packed").at("weights").size()) +
            " frozen weights in " + number("packed", "bytes") + " B of " +
            (all.at("packed").at("home") == "l2" ? "L2" : "HyperRAM") + " (in FP32 " +
            number("packed", "fp32_bytes") + " B); in FP32 stay " +
            (others.empty() ? "none" : others) + "\n\n";
  }
  return text + network_text(all.at("network")) + nodes_text(all) + end_text(all);
}
}  // namespace

void add_describe(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand(
      "describe", "Graph, parameters, MACs, memory and traffic, without simulating");
  auto a = std::make_shared<DescribeArguments>();
  command->add_option("config", a->config, "Root configuration (JSON)")->required();
  command->add_option("--set", a->sets, "/json/pointer=VALUE")->allow_extra_args(false);
  command->add_flag("--json", a->json, "Print JSON");
  command->add_option("--onnx", a->onnx, "Write the graph of the step to this ONNX file");
  command->callback([a, &status] {
    std::vector<std::string> warnings;
    const RootConfig config = load_config(a->config, a->sets, warnings);
    Json all = run::describe(config, run::measure_pass);
    for (const Json& warning : all.at("warnings")) {
      warnings.push_back(warning.get<std::string>());
    }
    all["warnings"] = warnings;
    if (!a->onnx.empty()) {
      const run::Workload workload = run::build_workload(config);
      write_onnx(a->onnx, workload.training, workload.parameters);
    }
    std::cout << (a->json ? all.dump(2) + "\n" : as_text(all));
    status = 0;
  });
}

}  // namespace etude::cli
