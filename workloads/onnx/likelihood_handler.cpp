// SPDX-License-Identifier: Apache-2.0
// The negative log likelihood of log-probabilities that may come from anywhere: what a row of ones
// and zeros for its label picks of each sample, summed.
#include "workloads/onnx/translator.h"

namespace etude::onnxio {

void likelihood_of_any(Translator& to, const RawNode& node) {
  const TensorId x = to.value(node, 0);
  const TensorId labels = to.labels(node, 1);
  const Shape shape = to.shape(x);
  const std::string reduction = node.text("reduction", "mean");
  if (node.has_input(2) || node.integer("ignore_index", -1) >= 0 ||
      (reduction != "mean" && reduction != "sum") || shape.size() != 2 ||
      to.shape(labels) != Shape{shape[0]}) {
    to.reject(node,
              "has weights of classes, an ignored class, reduction '" + reduction +
                  "' or data of shape " + to_string(shape),
              "the mean or sum over [samples,classes] with a label per sample is supported");
  }
  const std::uint64_t classes = shape[1];
  std::vector<float> ones(classes * classes, 0);
  for (std::uint64_t i = 0; i < classes; ++i) {
    ones[i * (classes + 1)] = 1;
  }
  const TensorId table = to.add_constant(node, ".ones", {classes, classes}, std::move(ones));
  const TensorId rows = to.add_between(node, OpType::kGather, {table, labels}, {}, ".picks");
  const TensorId picked = to.add_between(node, OpType::kMul, {x, rows}, {}, ".picked");
  const TensorId sum = to.add_between(node, OpType::kReduceSum, {picked},
                                      {{"axes", std::vector<std::int64_t>{0, 1}}}, ".sum");
  const double factor = reduction == "mean" ? -1.0 / static_cast<double>(shape[0]) : -1.0;
  to.add(node, OpType::kScale, {sum}, {{"factor", factor}}, node.outputs.at(0));
}

}  // namespace etude::onnxio
