// SPDX-License-Identifier: Apache-2.0
// Declarations below /workload, /train, /schedule, /tiling and /run.
#include "sim/config/declarations.h"
#include "sim/config/schedule_words.h"

namespace etude {

void declare_workload(ParameterTable& table) {
  Section<WorkloadConfig>(
      table, "/workload",
      [](RootConfig& c, const std::string&) -> WorkloadConfig& { return c.workload; })
      .add("network", &WorkloadConfig::network,
           {.sentence = "Built-in network; give this or onnx.", .source = "docs/workloads.md"})
      .add("sizes", &WorkloadConfig::sizes,
           {.sentence = "Features of each layer of network mlp, input first; extents of bert "
                        "(workloads/networks/bert.h).",
            .source = "user",
            .range = {.min = 1, .max = 65535},
            .only_if = Selector{"/workload/network", {"mlp", "bert"}}})
      .add_file("onnx", &WorkloadConfig::onnx,
                {.sentence = "ONNX graph, for training or inference; give this or network.",
                 .source = "user"})
      .add_file("inputs", &WorkloadConfig::inputs,
                {.sentence = "Inputs (.npz); without it they are drawn from /train/seed.",
                 .source = "user"})
      .add("batch", &WorkloadConfig::batch,
           {.sentence = "Samples per step. An ONNX graph with a fixed batch has its own; without "
                        "this key a symbolic one is what the arrays of inputs have.",
            .source = "user",
            .range = {.min = 1, .max = 65535}})
      .add("home", &WorkloadConfig::home,
           Choices<WorkloadConfig::Home>{{"auto", WorkloadConfig::Home::kAuto},
                                         {"l2", WorkloadConfig::Home::kL2},
                                         {"extmem", WorkloadConfig::Home::kExtmem}},
           {.sentence = "Where parameters and inputs stand at both ends of a step; auto: L2 if "
                        "everything fits.",
            .source = "Deeploy keeps them in L3"});
  Section<DimensionConfig>(
      table, "/workload/dimensions",
      [](RootConfig& c, const std::string& name) -> DimensionConfig& {
        return c.workload.dimensions[name];
      },
      [](const RootConfig& c) {
        std::vector<std::string> names;
        for (const auto& [name, config] : c.workload.dimensions) {
          names.push_back(name);
        }
        return names;
      })
      .add("*", &DimensionConfig::size,
           {.sentence = "Number of a symbolic extent of the ONNX graph's inputs, by its name; that "
                        "of the samples is batch.",
            .source = "user",
            .range = {.min = 1, .max = 16777216}});
}

void declare_train(ParameterTable& table) {
  const Selector lora{"/train/method", {"lora"}};
  const Selector adam{"/train/optimizer", {"adam"}};
  Section<TrainConfig>(table, "/train",
                       [](RootConfig& c, const std::string&) -> TrainConfig& { return c.train; })
      .add("method", &TrainConfig::method,
           Choices<TrainConfig::Method>{{"full", TrainConfig::Method::kFull},
                                        {"last_k", TrainConfig::Method::kLastK},
                                        {"lora", TrainConfig::Method::kLora},
                                        {"linear_probe", TrainConfig::Method::kLinearProbe},
                                        {"none", TrainConfig::Method::kNone}},
           {.sentence = "Which parameters are trained; none: inference, with its loss and, where "
                        "there are labels, accuracy.",
            .source = "arXiv 2603.09511"})
      .add("loss", &TrainConfig::loss,
           Choices<TrainConfig::Loss>{{"auto", TrainConfig::Loss::kAuto},
                                      {"cross_entropy", TrainConfig::Loss::kCrossEntropy},
                                      {"mse", TrainConfig::Loss::kMse},
                                      {"bce", TrainConfig::Loss::kBce},
                                      {"graph", TrainConfig::Loss::kGraph}},
           {.sentence =
                "Loss of an ONNX inference graph: cross entropy of logits with member labels "
                "of the inputs, mean squared error or binary cross entropy of logits with "
                "member target, or the graph's own; auto: its own, else cross_entropy where "
                "labels are given.",
            .source = "docs/workloads.md"})
      .add("freeze", &TrainConfig::freeze,
           {.sentence = "Parameters that are not trained, on top of the method: names as describe "
                        "shows them, or patterns with * and ?.",
            .source = "user"})
      .add("k", &TrainConfig::k,
           {.sentence = "Trained blocks, counted from the last; 0: one for last_k, all for lora.",
            .source = "user",
            .range = {.max = 1024},
            .only_if = Selector{"/train/method", {"last_k", "lora"}}})
      .add("rank", &TrainConfig::rank,
           {.sentence = "Rank of the adapters.",
            .source = "Deeploy's LoRA graphs",
            .range = {.min = 1, .max = 4096},
            .only_if = lora})
      .add("alpha", &TrainConfig::alpha,
           {.sentence = "Adapters are scaled by alpha/rank; 0: alpha = rank.",
            .source = "Deeploy's LoRA graphs (no scaling)",
            .range = {.max = 1e6},
            .only_if = lora})
      .add("layers", &TrainConfig::layers,
           {.sentence = "Layers that get adapters; empty: all.", .source = "user", .only_if = lora})
      .add("adapters_in", &TrainConfig::adapters_in,
           Choices<TrainConfig::AdaptersIn>{{"trained", TrainConfig::AdaptersIn::kTrained},
                                            {"all", TrainConfig::AdaptersIn::kAll}},
           {.sentence = "Blocks whose forward pass has adapters: the trained ones, or all.",
            .source = "user",
            .only_if = lora})
      .add("optimizer", &TrainConfig::optimizer,
           Choices<TrainConfig::Optimizer>{{"sgd", TrainConfig::Optimizer::kSgd},
                                           {"momentum", TrainConfig::Optimizer::kMomentum},
                                           {"adam", TrainConfig::Optimizer::kAdam}},
           {.sentence = "Rule of the update.", .source = "Deeploy's training graphs"})
      .add("lr", &TrainConfig::lr,
           {.sentence = "Learning rate.",
            .source = "Deeploy's training graphs",
            .range = {.max = 1e6}})
      .add("momentum", &TrainConfig::momentum,
           {.sentence = "Momentum of the update; 0: none, or 0.9 for optimizer momentum.",
            .source = "Deeploy's training graphs",
            .range = {.max = 1},
            .only_if = Selector{"/train/optimizer", {"sgd", "momentum"}}})
      .add("beta1", &TrainConfig::beta1,
           {.sentence = "Decay of the first moment.",
            .source = "arXiv 1412.6980",
            .range = {.max = 0.9999999},
            .only_if = adam})
      .add("beta2", &TrainConfig::beta2,
           {.sentence = "Decay of the second moment.",
            .source = "arXiv 1412.6980",
            .range = {.max = 0.9999999},
            .only_if = adam})
      .add("epsilon", &TrainConfig::epsilon,
           {.sentence = "Added to the root of the second moment.",
            .source = "arXiv 1412.6980",
            .range = {.max = 1},
            .only_if = adam})
      .add(
          "accumulate", &TrainConfig::accumulate,
          {.sentence =
               "Batches whose mean gradient makes one update; one step of the report has them all.",
           .source = "user",
           .range = {.min = 1, .max = 65536}})
      .add("precision", &TrainConfig::precision,
           Choices<TrainConfig::Precision>{{"fp32", TrainConfig::Precision::kFp32},
                                           {"mixed_fp16", TrainConfig::Precision::kMixedFp16}},
           {.sentence = "Number format of the GEMMs.", .source = "arXiv 2603.09511"})
      .add("loss_scale", &TrainConfig::loss_scale,
           {.sentence = "Factor on the loss during the backward pass.",
            .source = "user",
            .range = {.above_min = true, .max = 1e9},
            .only_if = Selector{"/train/precision", {"mixed_fp16"}}})
      .add("steps", &TrainConfig::steps,
           {.sentence = "Training steps of the run; results report the last.",
            .source = "user",
            .range = {.min = 1, .max = 1000000}})
      .add_file("initial", &TrainConfig::initial,
                {.sentence = "Initial parameters (.npz); without it they are drawn from seed.",
                 .source = "user"})
      .add("seed", &TrainConfig::seed,
           {.sentence = "Of initial parameters, and of inputs when none are given.",
            .source = "user"});
}

void declare_schedule(ParameterTable& table) {
  Section<ScheduleConfig>(
      table, "/schedule",
      [](RootConfig& c, const std::string&) -> ScheduleConfig& { return c.schedule; })
      .add("policy", &ScheduleConfig::policy, schedule_policies(),
           {.sentence = "Which tensors are kept, recomputed or paged out.",
            .source = "docs/schedule.md"})
      .add("budget", &ScheduleConfig::budget,
           {.unit = "B",
            .sentence = "L2 that activations, gradients and pages may use, and parameters, states "
                        "and inputs "
                        "unless /workload/home is l2; at most 1: a part of what keep needs. "
                        "Without it: what "
                        "L2 leaves.",
            .source = "user",
            .range = {.above_min = true, .max = 1e15}})
      .add("deadline", &ScheduleConfig::deadline,
           {.unit = "s",
            .sentence = "Longest step. Without it: none.",
            .source = "user",
            .range = {.above_min = true}})
      .add("objective", &ScheduleConfig::objective, schedule_objectives(),
           {.sentence = "What the schedule makes least: energy, time (then energy), energy times "
                        "time, or peak memory (then energy).",
            .source = "user"})
      .add("page_to", &ScheduleConfig::page_to, schedule_page_to(),
           {.sentence =
                "Where what operators make is paged to; what is at home in HyperRAM stays there.",
            .source = "user"})
      .add_file(
          "file", &ScheduleConfig::file,
          {.sentence = "Schedule that `etude-sim schedule --out` wrote: it is carried out, and "
                       "policy, objective and budget are its own.",
           .source = "docs/schedule.md"});
}

void declare_tiling(ParameterTable& table) {
  Section<TilingConfig>(table, "/tiling",
                        [](RootConfig& c, const std::string&) -> TilingConfig& { return c.tiling; })
      .add("l1_budget", &TilingConfig::l1_budget,
           {.unit = "B",
            .sentence = "L1 that tiles may use; 0: all but the runtime's part.",
            .source = "user"})
      .add("double_buffer", &TilingConfig::double_buffer,
           {.sentence = "Transfers of the next tile run under the computation of this one.",
            .source = "Deeploy"});
  const auto tile = [](RootConfig& c, const std::string& key) -> TileConfig& {
    return c.tiling.operators[key];
  };
  const auto names = [](const RootConfig& c) {
    std::vector<std::string> keys;
    for (const auto& [name, config] : c.tiling.operators) {
      keys.push_back(name);
    }
    return keys;
  };
  Section<TileConfig>(table, "/tiling/operators/*", tile, names)
      .add("m", &TileConfig::m,
           {.sentence = "Rows of the result per tile of that operator (a name of result.json's "
                        "layers); 0: chosen.",
            .source = "user",
            .range = {.max = 65535}})
      .add(
          "n", &TileConfig::n,
          {.sentence = "Reduction per tile; 0: chosen.", .source = "user", .range = {.max = 65535}})
      .add("k", &TileConfig::k,
           {.sentence = "Columns of the result per tile; 0: chosen.",
            .source = "user",
            .range = {.max = 65535}})
      .add("unit", &TileConfig::unit,
           Choices<TileConfig::Unit>{{"auto", TileConfig::Unit::kAuto},
                                     {"cores", TileConfig::Unit::kCores},
                                     {"redmule", TileConfig::Unit::kRedmule}},
           {.sentence = "Unit that computes the operator.", .source = "user"});
}

void declare_run(ParameterTable& table) {
  Section<RunConfig>(table, "/run",
                     [](RootConfig& c, const std::string&) -> RunConfig& { return c.run; })
      .add("tier", &RunConfig::tier,
           Choices<RunConfig::Tier>{{"cycle", RunConfig::Tier::kCycle},
                                    {"model", RunConfig::Tier::kModel}},
           {.sentence = "Whole step cycle by cycle, or predicted from operations that were "
                        "simulated one by one.",
            .source = "docs/architecture.md"})
      .add("engine", &RunConfig::engine,
           Choices<RunConfig::Engine>{{"fast", RunConfig::Engine::kFast},
                                      {"lockstep", RunConfig::Engine::kLockstep}},
           {.sentence = "Both give the same cycles and memory; lockstep is the oracle.",
            .source = "docs/architecture.md"})
      .add("verify", &RunConfig::verify,
           {.sentence = "Check every step's numbers against float64.",
            .source = "docs/architecture.md"})
      .add("check", &RunConfig::check,
           {.sentence = "Look for races, uninitialised reads and wrong accesses in L1 and L2.",
            .source = "docs/check.md"})
      .add("trace", &RunConfig::trace,
           {.sentence = "Write trace.pftrace for Perfetto.", .source = "docs/report.md"})
      .add("save_every", &RunConfig::save_every,
           {.unit = "steps",
            .sentence = "Write the trained parameters to steps/<number>.npz each time so many "
                        "steps are over; 0: never.",
            .source = "user",
            .range = {.max = 1000000}})
      .add("max_cycles", &RunConfig::max_cycles,
           {.unit = "cycles",
            .sentence = "A run that needs more has failed.",
            .source = "assumed",
            .range = {.min = 1}});
}

}  // namespace etude
