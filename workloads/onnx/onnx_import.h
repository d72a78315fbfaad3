// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "workloads/networks/initial.h"
#include "workloads/training/training_graph.h"

namespace etude {

/// What an ONNX file holds, as our graph. Tensors keep the file's names.
struct OnnxModel {
  Network network;    ///< inputs (without labels where the loss is ours) and output (the logits)
  StartValues start;  ///< values of the parameters
  bool updates =
      false;  ///< a training graph: the file has SGD nodes, gradients and updated weights
  std::vector<TensorId> outputs;  ///< the file's graph outputs, in its order
  std::optional<TensorId> loss;   ///< of a loss node that nothing reads
  bool log_softmax = false;       ///< `network.output` stands for its LogSoftmax
  /// Initializers that were taken as constants because they meet the data before any layer, and
  /// weights that are Constant nodes: neither is trained.
  std::vector<std::string> preprocessing, constant_weights;
  /// Weights that the file repeats for each sample, and that are one here.
  std::vector<std::string> repeated_weights;
  GradientMap gradients;  ///< of a training graph: parameter -> gradient at its SGD node
};

/// Reads an ONNX file: a training graph as TrainDeeploy exports them (standard operators, gradient
/// operators of com.microsoft, SGD; nodes in any order, several imports of one domain, Gemm of any
/// rank, axes as attributes or inputs) or an inference graph. Shapes are inferred here. A symbolic
/// first extent of an input becomes `batch`.
/// Errors: UserError of one line: file and what is wrong with it; one for all unsupported
/// operators, each with its node's name.
OnnxModel read_onnx(const std::filesystem::path& file, std::uint64_t batch = 1);

/// The training step of a model. A training graph is taken as it stands (its learning rate is in
/// its SGD nodes). An inference graph without a loss gets a cross entropy over its output
/// [samples,classes] (input "labels"), our backward pass and SGD with `lr`; parameters that are
/// marked untrainable stay. Errors: UserError when the output is no [samples,classes].
TrainingGraph make_training_graph(OnnxModel model, double lr);

}  // namespace etude
