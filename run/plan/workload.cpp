// SPDX-License-Identifier: Apache-2.0
#include "run/plan/workload.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "models/base/error.h"
#include "run/plan/file_notes.h"
#include "run/plan/stored_weights.h"
#include "sim/config/load.h"
#include "workloads/counted/counted_network.h"
#include "workloads/networks/networks.h"
#include "workloads/onnx/onnx_import.h"
#include "workloads/training/methods.h"

namespace etude::run {
namespace {

/// A file is named by its content: results do not depend on where it lies or what it is called.
std::string file_title(RootConfig config, const Workload& workload) {
  config.parts = workload.parts;
  return "ONNX graph " + file_hash(config, "/workload/onnx", config.workload.onnx).substr(0, 8);
}

MethodOptions method_of(const TrainConfig& train) {
  MethodOptions options;
  options.method = train.method;
  const bool last_k = train.method == TrainConfig::Method::kLastK;
  options.k = train.k == 0 && last_k ? 1 : train.k;
  options.rank = train.rank;
  options.alpha = train.alpha;
  options.layers = train.layers;
  options.adapters_in_all = train.adapters_in == TrainConfig::AdaptersIn::kAll;
  return options;
}

std::string method_text(const TrainConfig& train) {
  const std::string last = train.k == 0 ? "all" : "the last " + std::to_string(train.k);
  switch (train.method) {
    case TrainConfig::Method::kFull:
      return "full fine-tuning";
    case TrainConfig::Method::kLastK:
      return "last " + std::to_string(train.k == 0 ? 1 : train.k) + " fine-tuning";
    case TrainConfig::Method::kLora:
      return "LoRA of rank " + std::to_string(train.rank) + " in " + last + " blocks";
    case TrainConfig::Method::kLinearProbe:
      return "linear probe";
    case TrainConfig::Method::kNone:
      return "inference";
  }
  return "";
}

void read_parameters(const RootConfig& config, Workload& made) {
  const Graph& graph = made.training.graph;
  complete_parameters(graph, config.train.seed, made.parameters);
  if (!config.train.initial.empty()) {
    NpzArchive archive = read_npz(config.train.initial);
    if (is_packed(archive)) {
      PackedArchive packed = read_packed(archive, config.train.initial);
      archive = decoded(packed);
      made.packed = archived_base(config, graph, std::move(packed));
    }
    take_parameters(graph, archive, config.train.initial, made.parameters);
    note_conversion("/train/initial", graph, archive, made.warnings);
  }
  if (config.compress.packs()) {
    made.packed = pack_base(config, graph, made.parameters);
  }
  if (made.packed.empty()) {
    refuse_alone(config);
  }
}

/// Names keys of training that inference has no use for.
void note_ignored(const RootConfig& config, std::vector<std::string>& warnings) {
  if (config.train.method != TrainConfig::Method::kNone) {
    return;
  }
  std::string named;
  for (const char* key : {"/train/freeze", "/train/optimizer", "/train/lr", "/train/momentum",
                          "/train/accumulate", "/train/loss_scale"}) {
    named += config.is_given(key) ? (named.empty() ? "" : ", ") + std::string(key) : "";
  }
  if (!named.empty()) {
    warnings.push_back("ignored, because nothing is trained: " + named);
  }
}

double loss_scale_of(const TrainConfig& train) {
  return train.precision == TrainConfig::Precision::kMixedFp16 ? train.loss_scale : 1;
}

UpdateOptions update_of(const TrainConfig& train) {
  using Optimizer = TrainConfig::Optimizer;
  UpdateOptions update;
  if (train.method == TrainConfig::Method::kNone) {
    return update;
  }
  update.lr = train.lr;
  update.beta1 = train.beta1;
  update.beta2 = train.beta2;
  update.epsilon = train.epsilon;
  update.accumulate = train.accumulate;
  update.loss_scale = loss_scale_of(train);
  if (train.optimizer == Optimizer::kAdam) {
    update.rule = UpdateOptions::Rule::kAdam;
  } else if (train.optimizer == Optimizer::kMomentum || train.momentum != 0) {
    update.rule = UpdateOptions::Rule::kMomentum;
    update.momentum = train.momentum != 0 ? train.momentum : update.momentum;
  }
  return update;
}

std::string numbers_text(const TrainConfig& train) {
  return train.precision == TrainConfig::Precision::kMixedFp16 ? "mixed fp16" : "fp32";
}

/// "batch 4, fp32, sgd".
std::string update_text(const RootConfig& config, unsigned batch, const UpdateOptions& update) {
  const char* const rules[] = {"sgd", "momentum", "adam"};
  std::string text = "batch " + std::to_string(batch);
  if (update.accumulate > 1) {
    text += " x " + std::to_string(update.accumulate);
  }
  text += ", " + numbers_text(config.train);
  return config.train.method == TrainConfig::Method::kNone
             ? text
             : text + ", " + rules[static_cast<std::size_t>(update.rule)];
}

/// Refuses what no memory holds whatever is done, before values are drawn and the step is lowered:
/// numbers of that size would take the host's memory, and tiles of it hours.
void check_capacity(const RootConfig& config, const Graph& graph) {
  const PlatformConfig& platform = config.platform;
  const bool l2_only = config.workload.home == WorkloadConfig::Home::kL2;
  const std::uint64_t there = platform.l2.size.raw() + (l2_only ? 0 : platform.hyperram.size.raw());
  const std::string have = (l2_only ? "L2 has " : "L2 and HyperRAM have ") + std::to_string(there);
  std::uint64_t at_home = 0;
  const Tensor* largest = nullptr;
  for (const Tensor& tensor : graph.tensors()) {
    const bool stays = tensor.kind == TensorKind::kParameter || tensor.kind == TensorKind::kInput ||
                       tensor.kind == TensorKind::kState;
    at_home += stays && !tensor.alias_of ? tensor.bytes() : 0;
    largest = largest == nullptr || tensor.bytes() > largest->bytes() ? &tensor : largest;
  }
  if (at_home > there) {
    throw UserError("/workload",
                    "parameters, optimiser states and inputs are " + std::to_string(at_home) +
                        " bytes, and " + have,
                    "give a smaller network or batch, or larger memories");
  }
  if (largest != nullptr && largest->bytes() > there + platform.cluster.tcdm.size.raw()) {
    throw UserError("/workload",
                    "'" + largest->name + "' alone is " + std::to_string(largest->bytes()) +
                        " bytes, and " + have,
                    "give a smaller network or batch, or larger memories");
  }
}

/// An ONNX file decides what it trains: keys that would change that are refused.
void take_training_graph(const RootConfig& config, OnnxModel model, Workload& made) {
  for (const char* key : {"/train/method", "/train/k", "/train/rank", "/train/alpha",
                          "/train/layers", "/train/adapters_in", "/train/lr", "/train/optimizer",
                          "/train/momentum", "/train/accumulate", "/train/loss", "/train/freeze"}) {
    if (config.is_given(key)) {
      throw UserError(key, "is given beside a training graph, which fixes it",
                      "leave it out, or give an inference graph");
    }
  }
  made.parameters = model.start;
  const auto outputs = model.outputs;
  made.training = make_training_graph(std::move(model), 0);
  made.update.loss_scale = loss_scale_of(config.train);
  scale_loss_gradient(made.training.graph, made.update.loss_scale);
  Graph& graph = made.training.graph;
  for (TensorId output : outputs) {
    const Tensor& tensor = graph.tensor(output);
    const bool gradient = std::ranges::any_of(made.training.trained(), [&](TensorId id) {
      return made.training.gradients.at(id) == output;
    });
    if (tensor.alias_of) {
      made.outputs.emplace_back(tensor.name, *tensor.alias_of);
    } else if (output == made.training.loss || gradient) {
      made.outputs.emplace_back(tensor.name, output);
    } else {
      made.warnings.push_back("output '" + tensor.name +
                              "' of the graph is neither an updated parameter nor its gradient nor "
                              "the loss: outputs.npz does not have it");
    }
  }
  made.update.lr = 0;
  for (NodeId n = 0; n < graph.nodes().size(); ++n) {
    const Node& node = graph.node(n);
    if (node.op != OpType::kSgd) {
      continue;
    }
    const double lr = node.real("lr");
    if (made.update.lr != 0 && lr != made.update.lr) {
      throw UserError(config.workload.onnx, "has SGD nodes of different learning rates",
                      "one is supported");
    }
    made.update.lr = lr;
    graph.attributes(n)["lr"] = lr / made.update.loss_scale;
  }
  made.title =
      file_title(config, made) + ", training graph, " + numbers_text(config.train) + ", sgd";
}

/// How many labels a loss of classes in the graph reads, where they are an input.
std::optional<std::uint64_t> labels_of(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    const Tensor* labels = node.op == OpType::kSoftmaxCrossEntropy && node.inputs.size() > 1
                               ? &graph.tensor(node.inputs[1])
                               : nullptr;
    if (labels != nullptr && labels->kind == TensorKind::kInput && labels->shape.size() == 1) {
      return labels->shape[0];
    }
  }
  return std::nullopt;
}

/// Samples of a step: the graph's own number, which /workload/batch may repeat and, where first
/// extents differ, has to choose.
unsigned batch_of(const RootConfig& config, const OnnxModel& model) {
  if (model.network.inputs.empty()) {
    throw UserError(config.workload.onnx, "has no inputs", "declare what the data fill");
  }
  const bool given = config.is_given("/workload/batch");
  if (model.samples && (!given || *model.samples == config.workload.batch)) {
    return static_cast<unsigned>(*model.samples);
  }
  std::set<std::uint64_t> counts;
  std::string list;
  for (TensorId id : model.network.inputs) {
    const Tensor& tensor = model.network.graph.tensor(id);
    if (!tensor.shape.empty() && counts.insert(tensor.shape[0]).second) {
      list += (list.empty() ? "'" : ", '") + tensor.name + "' " + std::to_string(tensor.shape[0]);
    }
  }
  if (const auto labels = labels_of(model.network.graph); labels && !given) {
    return static_cast<unsigned>(*labels);
  }
  if (!given) {
    throw UserError("/workload/batch",
                    "is not given, and the first extents of the graph's inputs differ: " + list,
                    "give the one that counts samples");
  }
  if (!counts.contains(config.workload.batch)) {
    throw UserError("/workload/batch",
                    "is " + std::to_string(config.workload.batch) + ", and the ONNX graph is for " +
                        (counts.size() == 1 ? std::to_string(*counts.begin()) : list),
                    "leave it out, or export the graph for that batch");
  }
  return config.workload.batch;
}

/// Reads the file, with the numbers that configuration and arrays have for its symbolic extents.
OnnxModel read_model(const RootConfig& config, const NpzArchive* inputs) {
  OnnxExtents extents;
  extents.arrays = inputs;
  if (config.is_given("/workload/batch")) {
    extents.batch = config.workload.batch;
  }
  for (const auto& [name, dimension] : config.workload.dimensions) {
    extents.dimensions[name] = dimension.size;
  }
  return read_onnx(config.workload.onnx, extents);
}

/// Refuses weights of a file that no step could use, and one that hides the loss in the results.
void check_weights(const Network& network, const StartValues& start, const std::string& file) {
  for (TensorId id = 0; id < network.graph.tensors().size(); ++id) {
    const Tensor& tensor = network.graph.tensor(id);
    if (tensor.kind != TensorKind::kParameter) {
      continue;
    }
    const bool constant = tensor.constant;  // an infinite one masks
    const std::string where = file + (constant ? ": constant '" : ": weight '") + tensor.name + "'";
    if (tensor.name == "loss" && !constant) {
      throw UserError(where, "has the name under which results hold the loss", "rename it");
    }
    if (id >= start.size()) {
      continue;
    }
    const auto odd = std::ranges::find_if(
        start[id], [&](float v) { return constant ? std::isnan(v) : !std::isfinite(v); });
    if (odd != start[id].end()) {
      throw UserError(where,
                      "element " + std::to_string(odd - start[id].begin()) +
                          (constant ? " is not a number" : " is not finite"),
                      constant ? "give numbers" : "give finite weights");
    }
  }
}

}  // namespace

Workload build_workload(const RootConfig& config) {
  refuse_compression(config);
  const bool file = !config.workload.onnx.empty();
  Network network;
  Workload made;
  made.batch = config.workload.batch;
  if (file) {
    std::optional<NpzArchive> inputs;
    if (!config.workload.inputs.empty()) {
      inputs = read_npz(config.workload.inputs);
    }
    OnnxModel model = read_model(config, inputs ? &*inputs : nullptr);
    made.batch = batch_of(config, model);
    std::ranges::transform(model.data_files, std::back_inserter(made.parts["/workload/onnx"]),
                           [](const std::filesystem::path& part) { return part.string(); });
    if (model.updates) {
      made.network = network_facts(model.network, model.declared, model.outputs);
      take_training_graph(config, std::move(model), made);
      check_capacity(config, made.training.graph);
      read_parameters(config, made);
      return made;
    }
    made.loss = choose_loss(config, model, inputs ? &*inputs : nullptr);
    note_constants(model, made.warnings);
    check_weights(model.network, model.start, config.workload.onnx);
    made.parameters = std::move(model.start);
    network = std::move(model.network);
    made.network = network_facts(network, model.declared, model.outputs);
  } else {
    if (std::ranges::count(counted_networks(), config.workload.network) != 0) {
      throw UserError("/workload/network",
                      "'" + config.workload.network + "' has counted operators and no values",
                      "schedule it on a cost table: etude-sim schedule --device "
                      "configs/devices/nrf52840.json");
    }
    network = make_network(config.workload.network, config.workload.sizes, config.workload.batch);
    check_own_loss(config, network.graph);
    made.network = network_facts(network, {}, {network.output});
  }
  made.title = (file ? file_title(config, made) : config.workload.network) + ", " +
               method_text(config.train) + ", ";
  const auto norms = file ? norms_of_batches(network.graph) : std::set<std::string>{};
  apply_method(network, method_of(config.train));
  if (config.train.method != TrainConfig::Method::kNone) {
    freeze(network, config.train.freeze);
  }
  if (file) {
    note_changes(norms, network.graph, made.warnings);
    note_shared(network.graph, made.warnings);
  }
  note_ignored(config, made.warnings);
  made.update = update_of(config.train);
  made.title += update_text(config, made.batch, made.update);
  made.training = make_training_graph(std::move(network), made.update);
  check_capacity(config, made.training.graph);
  read_parameters(config, made);
  return made;
}

}  // namespace etude::run
