// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "workloads/training/training_graph.h"

namespace etude::test {

/// Adds a tensor by its name, shape and kind; `trained`: a step may update it.
TensorId add_tensor(Graph& graph, const std::string& name, Shape shape, TensorKind kind,
                    bool trained);

/// Small networks on images for tests: layers one behind the other, mean-squared error at the end.
class ImageNetwork {
 public:
  using Integers = std::vector<std::int64_t>;

  explicit ImageNetwork(Shape image);

  /// Filters, and a bias if wanted; `frozen`: neither is trained. Pads: top, left, bottom, right.
  ImageNetwork& conv(std::uint64_t outputs, Integers kernel, Integers strides, Integers pads,
                     bool bias = false, bool frozen = false, std::int64_t groups = 1);
  ImageNetwork& apply(OpType op, Attributes attributes = {});
  ImageNetwork& max_pool(Integers kernel, Integers strides, Integers pads);
  ImageNetwork& average_pool(Integers kernel, Integers strides, Integers pads);
  /// With the batch's statistics if `training`; `frozen`: scale and offset are not trained.
  ImageNetwork& batch_norm(bool training, bool frozen);
  /// Adds a trained tensor of the same shape, so that a network without other trained tensors
  /// learns something.
  ImageNetwork& add_parameter();

  const Shape& shape() const { return network_.graph.tensor(x_).shape; }
  Network finish();

 private:
  TensorId tensor(const std::string& name, Shape shape, TensorKind kind, bool trained);
  TensorId add(OpType op, std::vector<TensorId> inputs, Attributes attributes);

  Network network_;
  TensorId x_{};
  int layers_ = 0;
};

}  // namespace etude::test
