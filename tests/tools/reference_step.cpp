// SPDX-License-Identifier: Apache-2.0
// Writes one training step of a built-in network, as the float64 reference computes it, for tests
// in Python: reference_step OUT.npz NETWORK BATCH METHOD [SIZE...], or reference_step OUT.npz
// MODEL.onnx (an output that is one number is its loss). Members: inputs and parameters by name,
// "<name>.grad" of everything trained, "loss". METHOD: full, last_k, linear_probe or lora (rank 3,
// alpha 6, all blocks; B is drawn too).
#include <iostream>

#include "models/base/error.h"
#include "workloads/npz/npz.h"
#include "workloads/onnx/onnx_import.h"
#include "workloads/reference/reference.h"
#include "workloads/training/methods.h"
#include "workloads/training/training_graph.h"

namespace etude {
namespace {

MethodOptions method_of(const std::string& name) {
  using Method = MethodOptions::Method;
  MethodOptions options;
  if (name == "last_k") {
    options.method = Method::kLastK;
    options.k = 1;
  } else if (name == "linear_probe") {
    options.method = Method::kLinearProbe;
  } else if (name == "lora") {
    options.method = Method::kLora;
    options.rank = 3;
    options.alpha = 6;
  } else if (name != "full") {
    throw UserError("METHOD", "'" + name + "' is unknown", "see the head of reference_step.cpp");
  }
  return options;
}

TrainingGraph built_in_step(const std::vector<std::string>& arguments, StartValues& start) {
  std::vector<unsigned> sizes;
  for (std::size_t i = 4; i < arguments.size(); ++i) {
    sizes.push_back(static_cast<unsigned>(std::stoul(arguments[i])));
  }
  Network network =
      make_network(arguments.at(1), sizes, static_cast<unsigned>(std::stoul(arguments.at(2))));
  apply_method(network, method_of(arguments.at(3)));
  for (TensorId id = 0; id < network.graph.tensors().size(); ++id) {
    if (network.graph.tensor(id).name.ends_with(".lora_b")) {
      network.graph.tensor(id).fill.reset();  // at 0 the gradients of A would be 0
    }
  }
  TrainingGraph training = make_training_graph(std::move(network), 0.01);
  draw_parameters(training.graph, 1, start);
  return training;
}

void write_step(const std::vector<std::string>& arguments) {
  StartValues start;
  TrainingGraph training;
  if (arguments.at(1).ends_with(".onnx")) {
    OnnxModel model = read_onnx(arguments[1]);
    start = model.start;
    if (!model.loss && model.network.graph.tensor(model.network.output).shape.empty()) {
      model.network.graph.tensor(model.network.output).kind = TensorKind::kLoss;
    }
    training = make_training_graph(std::move(model), 0.01);
    start.resize(training.graph.tensors().size());
    for (TensorId id = 0; id < start.size(); ++id) {  // the gradient of such a loss
      const Tensor& tensor = training.graph.tensor(id);
      if (tensor.fill && start[id].empty()) {
        start[id].assign(tensor.elements(), *tensor.fill);
      }
    }
  } else {
    training = built_in_step(arguments, start);
  }
  draw_inputs(training.graph, 2, 0, start);
  const auto values = run_reference(training.graph, start);
  NpzArchive archive;
  for (TensorId id = 0; id < start.size(); ++id) {
    const Tensor& tensor = training.graph.tensor(id);
    if (!start[id].empty() && !tensor.alias_of) {
      archive[tensor.name] = NpyArray::from_float32(tensor.shape, start[id]);
    }
  }
  for (TensorId id : training.trained()) {
    const Tensor& tensor = training.graph.tensor(id);
    archive[tensor.name + ".grad"] =
        NpyArray::from_float64(tensor.shape, values[training.gradients.at(id)]);
  }
  archive["loss"] = NpyArray::from_float64({}, values[training.loss]);
  write_npz(arguments.at(0), archive);
}

}  // namespace
}  // namespace etude

int main(int argc, char** argv) {
  try {
    etude::write_step({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "reference_step: " << error.what() << "\n";
    return 2;
  }
  return 0;
}
