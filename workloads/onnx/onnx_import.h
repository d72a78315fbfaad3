// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <optional>

#include "workloads/networks/initial.h"
#include "workloads/npz/npz.h"
#include "workloads/onnx/declared_input.h"
#include "workloads/training/training_graph.h"

namespace etude {

/// Numbers for the symbolic extents of an ONNX file's inputs.
struct OnnxExtents {
  std::optional<std::uint64_t> batch = std::nullopt;  ///< of the samples' symbol
  std::map<std::string, std::uint64_t> dimensions{};  ///< of other symbols, by name
  const NpzArchive* arrays = nullptr;  ///< without a batch, their first extent is the samples'
};

/// What an ONNX file holds, as our graph. Tensors keep the file's names.
struct OnnxModel {
  Network network;    ///< inputs (without labels where the loss is ours) and output (the logits)
  StartValues start;  ///< values of the parameters
  bool updates =
      false;  ///< a training graph: the file has SGD nodes, gradients and updated weights
  std::vector<TensorId> outputs;  ///< the file's graph outputs, in its order
  /// Samples of a step; nothing where the inputs' first extents are different numbers.
  std::optional<std::uint64_t> samples;
  std::vector<std::filesystem::path> data_files;  ///< external data, in the order of their names
  std::optional<TensorId> loss;                   ///< of a loss node that nothing reads
  bool log_softmax = false;                       ///< `network.output` stands for its LogSoftmax
  /// Initializers that were taken as constants because they meet the data before any layer, and
  /// weights that are Constant nodes: neither is trained.
  std::vector<std::string> preprocessing, constant_weights;
  /// Weights that the file repeats for each sample, and that are one here.
  std::vector<std::string> repeated_weights;
  /// Weights that the file gives other names, too: (name, weight). They train as one.
  std::vector<std::pair<std::string, std::string>> shared_weights;
  /// Initializers that are one number and went into constants computed here.
  std::vector<std::string> folded_numbers;
  /// Initializers that are one number and were taken as constants: they are not trained.
  std::vector<std::string> numbers;
  std::vector<std::string> masks;  ///< initializers that are masks of a softmax
  std::size_t dropouts = 0;        ///< taken as the identity, and left in training by the file
  GradientMap gradients;           ///< of a training graph: parameter -> gradient at its SGD node
  std::vector<DeclaredInput> declared;  ///< the file's inputs
};

/// Reads an ONNX file: a training graph as TrainDeeploy exports them (standard operators, gradient
/// operators of com.microsoft, SGD; nodes in any order, several imports of one domain, Gemm of any
/// rank, axes as attributes or inputs) or an inference graph. Shapes are inferred here.
/// Errors: UserError of one line: file and what is wrong with it; one for all unsupported
/// operators, each with its node's name; extents without a number (OnnxExtents).
OnnxModel read_onnx(const std::filesystem::path& file, const OnnxExtents& extents = {});

/// The training step of a model. A training graph is taken as it stands (its learning rate is in
/// its SGD nodes). An inference graph without a loss gets a cross entropy over its output
/// [samples,classes] (input "labels"), our backward pass and SGD with `lr`; parameters that are
/// marked untrainable stay. Errors: UserError when the output is no [samples,classes].
TrainingGraph make_training_graph(OnnxModel model, double lr);

}  // namespace etude
