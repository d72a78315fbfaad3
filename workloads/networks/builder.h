// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <vector>

#include "workloads/networks/networks.h"

namespace etude {

/// Words for writing networks down: each adds one layer named `name` with its parameters and
/// returns its result. Images are [samples,channels,height,width], rows of features
/// [rows,features].
class NetworkBuilder {
 public:
  NetworkBuilder(const std::string& name, unsigned batch);

  TensorId input(const std::string& name, Shape shape);
  TensorId parameter(const std::string& name, Shape shape, std::optional<float> fill = {});

  /// x W (+ b): weight "<name>.weight" [in,out], bias "<name>.bias" [out]. `in_block` adds the
  /// weight to the block begun last.
  TensorId linear(const std::string& name, TensorId x, std::uint64_t out, bool bias = true);
  /// Filters "<name>.weight" [out,in/groups,kh,kw]; pads are top, left, bottom, right.
  TensorId conv(const std::string& name, TensorId x, std::uint64_t out,
                std::array<std::int64_t, 2> kernel, std::array<std::int64_t, 2> stride,
                std::array<std::int64_t, 4> pads, std::int64_t groups = 1, bool bias = false);
  /// conv() with the pads that keep ceil(extent / stride) pixels (TensorFlow's "same").
  TensorId conv_same(const std::string& name, TensorId x, std::uint64_t out,
                     std::array<std::int64_t, 2> kernel, std::int64_t stride,
                     std::int64_t groups = 1, bool bias = true);
  /// Batch normalisation with the batch's statistics; running ones "<name>.mean",
  /// "<name>.variance".
  TensorId batch_norm(const std::string& name, TensorId x);
  TensorId layer_norm(const std::string& name, TensorId x);
  TensorId relu(const std::string& name, TensorId x);
  TensorId gelu(const std::string& name, TensorId x);
  /// softmax(scale * x) over the last axis.
  TensorId softmax(const std::string& name, TensorId x, double scale = 1);
  TensorId max_pool(const std::string& name, TensorId x, std::int64_t kernel, std::int64_t stride,
                    std::int64_t pad);
  /// Average over each whole image: [samples,channels].
  TensorId global_average(const std::string& name, TensorId x);
  TensorId add(const std::string& name, TensorId a, TensorId b);
  /// a b, or a b^T, of stacks of matrices.
  TensorId matmul(const std::string& name, TensorId a, TensorId b, bool transpose_b = false);
  TensorId reshape(const std::string& name, TensorId x, Shape shape);
  TensorId transpose(const std::string& name, TensorId x, std::vector<std::int64_t> perm);
  /// Multi-head attention over x [samples * sequence, features]: layers q, k, v and proj below
  /// `name`.
  TensorId attention(const std::string& name, TensorId x, std::uint64_t samples,
                     std::uint64_t heads, bool qkv_bias);

  /// Linear and convolution weights that follow belong to this block ...
  void begin_block(const std::string& name);
  /// ... and from here on to none; parameters of linear layers are the network's head.
  void begin_head();

  /// Adds the cross entropy of `logits` [samples,classes] with the input "labels" and hands out the
  /// network; its probe is the last linear layer.
  Network classify(TensorId logits);

  const Shape& shape(TensorId id) const { return network_.graph.tensor(id).shape; }
  std::uint64_t batch() const { return batch_; }

 private:
  TensorId apply(const std::string& name, OpType type, std::vector<TensorId> inputs,
                 Attributes attributes = {});

  enum class Part { kStem, kBlock, kHead };
  Network network_;
  std::uint64_t batch_;
  Part part_ = Part::kStem;
};

}  // namespace etude
