// SPDX-License-Identifier: Apache-2.0
#include "workloads/networks/networks.h"

#include <algorithm>

#include "models/base/error.h"
#include "workloads/networks/bert.h"
#include "workloads/networks/cct.h"
#include "workloads/networks/cnn.h"

namespace etude {

Network make_mlp(const std::string& name, const std::vector<unsigned>& sizes, unsigned batch,
                 bool autoencoder) {
  if (sizes.size() < 2 || std::ranges::count(sizes, 0u) > 0) {
    throw UserError("/workload/sizes", "has " + std::to_string(sizes.size()) + " usable layers",
                    "give at least two sizes, each at least 1");
  }
  constexpr std::size_t kMostLayers = 1024;  // lowering them takes seconds
  if (sizes.size() > kMostLayers + 1) {
    throw UserError("/workload/sizes", "gives " + std::to_string(sizes.size() - 1) + " layers",
                    "give at most " + std::to_string(kMostLayers));
  }
  if (batch == 0) {
    throw UserError("/workload/batch", "is 0", "it is at least 1");
  }
  if (autoencoder && sizes.front() != sizes.back()) {
    throw UserError("/workload/sizes", "an autoencoder's first and last size differ",
                    "make them equal");
  }
  Network network;
  Graph& graph = network.graph;
  graph.name = name;
  const auto tensor = [&](const std::string& what, Shape shape, TensorKind kind) {
    Tensor made;
    made.name = what;
    made.shape = std::move(shape);
    made.kind = kind;
    made.trainable = kind == TensorKind::kParameter;
    return graph.add_tensor(std::move(made));
  };
  TensorId value = tensor("input", {batch, sizes.front()}, TensorKind::kInput);
  network.inputs = {value};
  TensorId target = value;
  if (!autoencoder) {
    target = tensor("target", {batch, sizes.back()}, TensorKind::kInput);
    network.inputs.push_back(target);
  }
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    const std::string layer = "fc" + std::to_string(i);
    const TensorId weight =
        tensor(layer + ".weight", {sizes[i], sizes[i + 1]}, TensorKind::kParameter);
    const TensorId bias = tensor(layer + ".bias", {sizes[i + 1]}, TensorKind::kParameter);
    network.blocks.push_back({layer, {weight}});
    network.probe = {weight, bias};
    NodeId made =
        graph.add(Node{layer, OpType::kGemm, Phase::kForward, {value, weight, bias}, {}, {}},
                  {{layer + ".out", TensorKind::kActivation}});
    value = graph.node(made).outputs[0];
    if (i + 2 < sizes.size()) {
      made = graph.add(Node{layer + ".relu", OpType::kRelu, Phase::kForward, {value}, {}, {}},
                       {{layer + ".relu", TensorKind::kActivation}});
      value = graph.node(made).outputs[0];
    }
  }
  network.output = value;
  graph.add(Node{"mse", OpType::kMseLoss, Phase::kForward, {value, target}, {}, {}},
            {{"loss", TensorKind::kLoss}});
  graph.validate();
  return network;
}

Network make_network(const std::string& name, const std::vector<unsigned>& sizes, unsigned batch) {
  if (name == "deep_ae") {
    return make_mlp(name, {640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640}, batch, true);
  }
  if (name == "mlp") {
    return make_mlp(name, sizes, batch, !sizes.empty() && sizes.front() == sizes.back());
  }
  if (name == "cct2") {
    return make_cct(name, cct2(), batch);
  }
  if (name == "cct7") {
    return make_cct(name, cct7(), batch);
  }
  if (name == "resnet8") {
    return make_resnet8(batch);
  }
  if (name == "ds_cnn") {
    return make_ds_cnn(batch);
  }
  if (name == "mobilenet_v1_025") {
    return make_mobilenet_v1_025(batch);
  }
  if (name == "bert") {
    return make_bert(name, bert_of_sizes(sizes), batch);
  }
  throw UserError(
      "/workload/network", "'" + name + "' is not a built-in network",
      "allowed are deep_ae, mlp, cct2, cct7, resnet8, ds_cnn, mobilenet_v1_025 and bert");
}

}  // namespace etude
