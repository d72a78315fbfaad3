// SPDX-License-Identifier: Apache-2.0
#include "run/plan/describe.h"

#include <string>

#include "compiler/operators/not_available.h"
#include "kernels/include/etude_boot.h"
#include "models/base/pulp_map_regs.h"
#include "run/plan/accounting.h"
#include "run/plan/packed_base.h"
#include "run/plan/plan.h"
#include "run/plan/program_json.h"
#include "workloads/ops/op_rules.h"
#include "workloads/training/counts.h"

namespace etude::run {
namespace {
using Json = nlohmann::ordered_json;

/// Bytes that the task list moves, and how often it uses each unit.
struct TaskSums {
  std::uint64_t l2_l1_read = 0, l2_l1_write = 0, l3_l2_read = 0, l3_l2_write = 0;
  std::uint64_t kernels = 0, redmule_jobs = 0, dma_transfers = 0, soc_dma_transfers = 0;
};

bool is_l2(std::uint32_t address) { return address >> 24 == ETUDE_BOOT_ADDRESS >> 24; }

TaskSums sum_tasks(const TaskList& tasks) {
  TaskSums sums;
  for (const Operation& operation : tasks.operations) {
    if (const auto* transfer = operation.as<Transfer>()) {
      (transfer->to_l1 ? sums.l2_l1_read : sums.l2_l1_write) += transfer->bytes();
    } else if (const auto* page = operation.as<PageTransfer>()) {
      (is_l2(page->to.raw()) ? sums.l3_l2_read : sums.l3_l2_write) += page->bytes;
    }
  }
  sums.kernels = count_of<KernelCall>(tasks);
  sums.redmule_jobs = count_of<MatrixJob>(tasks);
  sums.dma_transfers = count_of<Transfer>(tasks);
  sums.soc_dma_transfers = count_of<PageTransfer>(tasks);
  return sums;
}

Json tensors_json(const Graph& graph, TensorKind kind) {
  Json tensors = Json::array();
  for (const Tensor& tensor : graph.tensors()) {
    if (tensor.kind == kind && !tensor.alias_of && !tensor.constant) {
      tensors.push_back({{"name", tensor.name},
                         {"shape", tensor.shape},
                         {"bytes", tensor.bytes()},
                         {"trainable", tensor.trainable}});
    }
  }
  return tensors;
}

/// Bytes of the parameters that a node reads, as they are stored.
std::uint64_t weight_bytes(const Workload& workload, const Node& node) {
  std::uint64_t sum = 0;
  for (const TensorId input : node.inputs) {
    const Tensor& tensor = workload.training.graph.tensor(input);
    const auto packed = workload.packed.find(input);
    sum += packed != workload.packed.end()         ? packed->second.stored_bytes()
           : tensor.kind == TensorKind::kParameter ? tensor.bytes()
                                                   : 0;
  }
  return sum;
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
                     {"macs", rules_of(node.op).macs(graph, node)},
                     {"weight_bytes", weight_bytes(workload, node)},
                     {"output_bytes", graph.tensor(node.outputs.front()).bytes()}});
  }
  Json all = {{"title", workload.title},
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
              {"network", network_json(workload.network, graph)},
              {"nodes", nodes},
              {"warnings", Json::array()}};
  if (workload.loss) {
    all["loss_function"] = {
        {"name", workload.loss->name}, {"of", workload.loss->of}, {"why", workload.loss->why}};
  }
  return all;
}

Json describe_plan(const Plan& plan) {
  const Program& program = plan.program();
  const TaskSums tasks = sum_tasks(program.tasks);
  const RunFacts facts = plan.facts();
  Json all = describe_graph(plan.workload());
  all.update({{"memory", memory_json(facts.memory)},
              {"home", program.home_extmem ? "extmem" : "l2"},
              {"traffic",
               {{"l2_l1_read", tasks.l2_l1_read},
                {"l2_l1_write", tasks.l2_l1_write},
                {"l3_l2_read", tasks.l3_l2_read},
                {"l3_l2_write", tasks.l3_l2_write}}},
              {"tasks",
               {{"operations", program.tasks.operations.size()},
                {"kernels", tasks.kernels},
                {"redmule_jobs", tasks.redmule_jobs},
                {"dma_transfers", tasks.dma_transfers},
                {"soc_dma_transfers", tasks.soc_dma_transfers}}},
              {"accounting", accounting_json(plan)},
              {"modelled_cycles", program.modelled_cycles.raw()},
              {"layers", layers_json(facts.layers)},
              {"warnings", facts.warnings}});
  if (!plan.workload().packed.empty()) {
    all["packed"] = packed_json(plan.workload().packed, plan.training().graph);
    const bool extmem = plan.config().compress.home == CompressConfig::Home::kExtmem;
    all["packed"]["home"] = extmem ? "extmem" : "l2";
  }
  return all;
}

}  // namespace

Json describe(const RootConfig& config, const StepMeter& meter) {
  try {
    return describe_plan(Plan(config, meter));
  } catch (const compiler::NotAvailable& missing) {
    Json all = describe_graph(build_workload(config));
    all["warnings"].push_back(missing.what());
    return all;
  }
}

}  // namespace etude::run
