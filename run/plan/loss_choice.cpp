// SPDX-License-Identifier: Apache-2.0
#include "run/plan/loss_choice.h"

#include <algorithm>

#include "models/base/error.h"
#include "workloads/training/loss.h"

namespace etude::run {
namespace {

using Loss = TrainConfig::Loss;

constexpr const char* kChoices = "give /train/loss cross_entropy, mse, bce or graph";

[[noreturn]] void refuse(const std::string& what, const std::string& allowed = kChoices) {
  throw UserError("/train/loss", what, allowed);
}

std::string shown(const Graph& graph, TensorId id) {
  return "'" + graph.tensor(id).name + "' " + to_string(graph.tensor(id).shape);
}

/// Outputs that are one number, made by a node.
std::vector<TensorId> numbers_of(const OnnxModel& model, bool scalars) {
  const Graph& graph = model.network.graph;
  std::vector<TensorId> found;
  for (TensorId id : model.outputs) {
    const Tensor& tensor = graph.tensor(id);
    if (tensor.elements() == 1 && (tensor.shape.empty() || !scalars) && graph.producer(id)) {
      found.push_back(id);
    }
  }
  return found;
}

/// The graph's own loss, if it has one; `scalars`: an output with extents is none.
std::optional<TensorId> own_loss(OnnxModel& model, bool scalars) {
  if (model.loss) {
    return model.loss;
  }
  const auto numbers = numbers_of(model, scalars);
  return numbers.size() == 1 ? std::optional(numbers[0]) : std::nullopt;
}

LossChoice take_own(OnnxModel& model, TensorId loss, const std::string& how) {
  Graph& graph = model.network.graph;
  const bool node = model.loss == loss;
  graph.tensor(loss).kind = TensorKind::kLoss;
  return {"graph", graph.tensor(loss).name,
          how + (node ? "the graph has a loss of its own, node '" +
                            graph.node(*graph.producer(loss)).name + "'"
                      : "the graph's output '" + graph.tensor(loss).name + "' is one number")};
}

/// What makes a classifier's logits, or refuses. Softmax and LogSoftmax go.
std::string take_logits(OnnxModel& model, LossKind kind) {
  Network& network = model.network;
  const auto last = last_operator(network);
  if (model.log_softmax) {
    if (kind != LossKind::kCrossEntropy) {
      refuse(std::string("is ") + name_of(kind) + ", and the output is a LogSoftmax",
             "give cross_entropy");
    }
    return ", of the logits below the last LogSoftmax";
  }
  if (last == OpType::kSoftmax && kind == LossKind::kBce) {
    refuse("is bce, which takes logits, and the output " + shown(network.graph, network.output) +
               " is a Softmax",
           "give cross_entropy");
  }
  const bool classes = last == OpType::kSoftmax && kind == LossKind::kCrossEntropy;
  const bool binary = last == OpType::kSigmoid && kind == LossKind::kBce;
  if (!classes && !binary) {
    return "";
  }
  if (!drop_last_operator(network)) {
    refuse(std::string("is ") + name_of(kind) +
               ", and the last Softmax is over other values than " + "the classes of " +
               shown(network.graph, network.output),
           "export the graph without it");
  }
  return std::string(", of the logits below the last ") + (classes ? "Softmax" : "Sigmoid");
}

LossChoice add(OnnxModel& model, LossKind kind, std::string why) {
  const std::string output = model.network.graph.tensor(model.network.output).name;
  const std::string member = kind == LossKind::kCrossEntropy ? "labels" : "target";
  if (const auto taken = model.network.graph.find(member)) {
    const bool input = model.network.graph.tensor(*taken).kind == TensorKind::kInput;
    refuse(std::string("is ") + name_of(kind) + " of '" + output + "', whose member '" + member +
               "' is " + (input ? "an input" : "a value") + " of the graph itself",
           "rename that one, or end the graph in its own loss");
  }
  if (model.outputs.size() > 1) {
    why +=
        "; '" + output + "' is the first of " + std::to_string(model.outputs.size()) + " outputs";
  }
  why += take_logits(model, kind);
  add_loss(model.network, kind);
  return {name_of(kind), output, why};
}

bool has_member(const NpzArchive& inputs, const OnnxModel& model, const char* name) {
  // "y" is the second input's other name.
  return inputs.contains(name) || (model.network.inputs.size() == 1 && inputs.contains("y"));
}

bool trains(const Graph& graph) {
  return std::ranges::any_of(graph.tensors(), [](const Tensor& t) { return t.trainable; });
}

LossChoice choose(OnnxModel& model, const NpzArchive* inputs) {
  if (const auto loss = own_loss(model, true)) {
    return take_own(model, *loss, "auto: ");
  }
  const Network& network = model.network;
  const Graph& graph = network.graph;
  const std::string output = shown(graph, network.output);
  const Shape& shape = graph.tensor(network.output).shape;
  if (shape.size() != 2) {
    refuse("is auto, and the output " + output + " is no [samples,classes] and no single number");
  }
  if (shape[1] < 2) {
    refuse("is auto, and the output " + output +
           " has a single class, which leaves nothing to "
           "choose");
  }
  if (last_operator(network) == OpType::kSigmoid) {
    refuse("is auto, and the output " + output + " is a Sigmoid", "give bce, mse or cross_entropy");
  }
  if (inputs != nullptr) {
    if (!has_member(*inputs, model, "labels")) {
      refuse("is auto, and the inputs have no member 'labels' to choose cross_entropy by",
             "add 'labels', or give mse or bce with a member 'target', or graph");
    }
    return add(model, LossKind::kCrossEntropy,
               "auto: the output is [samples,classes] and there are labels");
  }
  const auto as_large = [&](TensorId input) {
    return graph.tensor(input).elements() == graph.tensor(network.output).elements();
  };
  if (trains(graph) && std::ranges::any_of(network.inputs, as_large)) {
    refuse("is auto, there are no labels, and the output " + output +
           " is as large as the input, as an autoencoder's");
  }
  return add(model, LossKind::kCrossEntropy,
             "auto: the output is [samples,classes] and inputs and labels are drawn");
}

}  // namespace

LossChoice choose_loss(const RootConfig& config, OnnxModel& model, const NpzArchive* inputs) {
  const Loss wanted = config.train.loss;
  if (wanted == Loss::kAuto) {
    return choose(model, inputs);
  }
  if (wanted == Loss::kGraph) {
    const auto loss = own_loss(model, false);
    if (!loss) {
      refuse("is graph, and " + std::string(numbers_of(model, false).empty()
                                                ? "none of the graph's outputs is one number"
                                                : "several of the graph's outputs are one number"),
             "end the graph in one loss, or give cross_entropy, mse or bce");
    }
    return take_own(model, *loss, "given: ");
  }
  if (model.loss) {
    refuse("is given, and the graph has a loss of its own, '" +
               model.network.graph.tensor(*model.loss).name + "'",
           "leave it out, or give graph");
  }
  return add(model,
             wanted == Loss::kMse   ? LossKind::kMse
             : wanted == Loss::kBce ? LossKind::kBce
                                    : LossKind::kCrossEntropy,
             "given");
}

void check_own_loss(const RootConfig& config, const Graph& graph) {
  const auto maker = graph.producer(graph.loss());
  const bool mse = maker && graph.node(*maker).op == OpType::kMseLoss;
  const Loss own = mse ? Loss::kMse : Loss::kCrossEntropy;
  if (config.train.loss != Loss::kAuto && config.train.loss != own) {
    refuse("is another loss than that of network " + graph.name,
           std::string("leave it out, or give ") + (mse ? "mse" : "cross_entropy"));
  }
}

}  // namespace etude::run
