// SPDX-License-Identifier: Apache-2.0
// etude-sim describe: what a configuration will run, without simulating it.
#include <cstring>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "compiler/lower/lower.h"
#include "kernels/include/etude_boot.h"
#include "kernels/include/etude_task.h"
#include "run/plan/training_setup.h"
#include "sim/config/load.h"
#include "sim/report/text.h"
#include "workloads/onnx/onnx_export.h"
#include "workloads/ops/op_rules.h"
#include "workloads/training/counts.h"

namespace etude::cli {
namespace {
using Json = nlohmann::ordered_json;

struct DescribeArguments {
  std::string config;
  std::vector<std::string> sets;
  bool json = false;
  std::string onnx;
};

/// Bytes that the task list moves, and how often it uses each unit.
struct TaskSums {
  std::uint64_t l2_l1_read = 0, l2_l1_write = 0, l3_l2_read = 0, l3_l2_write = 0;
  std::uint64_t kernels = 0, redmule_jobs = 0, dma_transfers = 0, soc_dma_transfers = 0;
};

bool is_l2(std::uint32_t address) { return address >> 24 == ETUDE_BOOT_ADDRESS >> 24; }

TaskSums sum_tasks(const Program& program) {
  TaskSums sums;
  for (std::uint32_t i = 0; i < program.op_count; ++i) {
    etude_op op{};
    std::memcpy(&op, program.task_list.data() + ETUDE_TASK_FIRST_OP + i * sizeof op, sizeof op);
    if (op.code == ETUDE_OP_DMA) {
      const std::uint64_t bytes = std::uint64_t{op.arg[3]} * op.arg[4];
      (op.arg[0] == ETUDE_DMA_TO_L1 ? sums.l2_l1_read : sums.l2_l1_write) += bytes;
      ++sums.dma_transfers;
    } else if (op.code == ETUDE_OP_SOC_DMA) {
      const std::uint64_t bytes = std::uint64_t{op.arg[2]} * op.arg[4];
      (is_l2(op.arg[1]) ? sums.l3_l2_read : sums.l3_l2_write) += bytes;
      ++sums.soc_dma_transfers;
    } else if (op.code == ETUDE_OP_KERNEL) {
      ++sums.kernels;
    } else if (op.code == ETUDE_OP_REDMULE) {
      ++sums.redmule_jobs;
    }
  }
  return sums;
}

Json tensors_json(const Graph& graph, TensorKind kind) {
  Json tensors = Json::array();
  for (const Tensor& tensor : graph.tensors()) {
    if (tensor.kind == kind && !tensor.alias_of) {
      tensors.push_back({{"name", tensor.name},
                         {"shape", tensor.shape},
                         {"bytes", tensor.bytes()},
                         {"trainable", tensor.trainable}});
    }
  }
  return tensors;
}

/// What holds for any hardware.
Json describe_graph(const Workload& workload) {
  const Graph& graph = workload.training.graph;
  const GraphCounts counts = count(graph);
  Json nodes = Json::array();
  for (const NodeId id : graph.topological_order()) {
    const Node& node = graph.node(id);
    nodes.push_back({{"name", node.name},
                     {"op", name_of(node.op)},
                     {"phase", name_of(node.phase)},
                     {"shape", graph.tensor(node.outputs.front()).shape},
                     {"macs", rules_of(node.op).macs(graph, node)}});
  }
  return {{"title", workload.title},
          {"parameters",
           {{"elements", counts.parameters},
            {"trainable", counts.trainable},
            {"bytes", counts.parameter_bytes},
            {"gradient_bytes", counts.gradient_bytes}}},
          {"macs",
           {{"forward", counts.forward_macs},
            {"backward", counts.backward_macs},
            {"update", counts.update_macs},
            {"total", counts.total_macs()}}},
          {"tensors",
           {{"parameters", tensors_json(graph, TensorKind::kParameter)},
            {"inputs", tensors_json(graph, TensorKind::kInput)}}},
          {"nodes", nodes},
          {"warnings", Json::array()}};
}

Json describe(const TrainingSetup& setup) {
  const Program& program = setup.program();
  const TaskSums tasks = sum_tasks(program);
  const RunFacts facts = setup.facts();
  Json all = describe_graph(setup.workload());
  Json layers = Json::array();
  for (const LayerFacts& layer : facts.layers) {
    layers.push_back({{"name", layer.name},
                      {"op", layer.op},
                      {"phase", layer.phase},
                      {"unit", layer.unit},
                      {"macs", layer.macs}});
  }
  const MemoryFacts& m = facts.memory;
  all.update({{"memory",
               {{"l1_peak", m.l1_peak},
                {"l2_peak", m.l2_peak},
                {"l3_peak", m.l3_peak},
                {"parameters", m.parameters},
                {"trainable", m.trainable},
                {"gradients", m.gradients},
                {"activations_peak", m.activations_peak},
                {"activations_peak_gradients_kept", m.activations_peak_gradients_kept}}},
              {"home", program.home_extmem ? "extmem" : "l2"},
              {"traffic",
               {{"l2_l1_read", tasks.l2_l1_read},
                {"l2_l1_write", tasks.l2_l1_write},
                {"l3_l2_read", tasks.l3_l2_read},
                {"l3_l2_write", tasks.l3_l2_write}}},
              {"tasks",
               {{"operations", program.op_count},
                {"kernels", tasks.kernels},
                {"redmule_jobs", tasks.redmule_jobs},
                {"dma_transfers", tasks.dma_transfers},
                {"soc_dma_transfers", tasks.soc_dma_transfers}}},
              {"modelled_cycles", program.modelled_cycles.raw()},
              {"layers", layers},
              {"warnings", facts.warnings}});
  return all;
}

std::string shape_text(const Json& shape) {
  std::string text;
  for (const Json& extent : shape) {
    text += (text.empty() ? "" : "x") + extent.dump();
  }
  return text.empty() ? "scalar" : text;
}

std::string nodes_text(const Json& all) {
  TextTable table({"node", "<op", "<phase", "<output", "MACs"});
  for (const Json& node : all.at("nodes")) {
    const auto macs = node.at("macs").get<std::uint64_t>();
    table.add({node.at("name").get<std::string>(), node.at("op").get<std::string>(),
               node.at("phase").get<std::string>(), shape_text(node.at("shape")),
               macs == 0 ? "" : with_commas(macs)});
  }
  std::string text = table.text();
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
    return text + nodes_text(all);
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
  return text + nodes_text(all);
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
    Json all;
    try {
      all = describe(TrainingSetup(config));
    } catch (const NotAvailable& missing) {
      all = describe_graph(build_workload(config));
      warnings.emplace_back(missing.what());
    }
    for (const Json& warning : all["warnings"]) {
      warnings.push_back(warning.get<std::string>());
    }
    all["warnings"] = warnings;
    if (!a->onnx.empty()) {
      const Workload workload = build_workload(config);
      write_onnx(a->onnx, workload.training, workload.parameters);
    }
    std::cout << (a->json ? all.dump(2) + "\n" : as_text(all));
    status = 0;
  });
}

}  // namespace etude::cli
