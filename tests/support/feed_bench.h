// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/feeds/context.h"

namespace etude::test {

/// A small graph as a step, with an L1 of its own and a tape on which a feed writes. Declare
/// tensors and nodes first; context() then begins the first operator.
class FeedBench {
 public:
  static constexpr Address kBase{0x10001000};
  /// RedMulE has 4 rows, 12 columns and 3 stages: 16 columns of a tile; 8 cores.
  explicit FeedBench(std::uint32_t l1_bytes = 65536);

  TensorId tensor(const std::string& name, Shape shape, DType type = DType::kFloat32);
  /// A node that reads `inputs` and makes `<name>` of the shape that follows.
  TensorId node(const std::string& name, OpType op, std::vector<TensorId> inputs,
                Attributes attributes = {});
  /// Operator number `n` of the step reads a tensor: a ReLU of it.
  void read(TensorId tensor);

  compiler::LoweringContext& context();
  /// The whole tensor stands in L1; `pitch` 0: dense.
  compiler::L1Matrix put(TensorId tensor, bool transposed = false, std::uint32_t pitch = 0);
  /// A dense view of [rows, cols].
  compiler::MatrixView view(TensorId tensor) { return *context().step.storage.as_matrix(tensor); }

  /// What has been written since the last call, one operation a line:
  ///   "load NAME+offset ROWSxBYTES/pitch to address/pitch" (one row: no pitches), store alike;
  ///   "KERNEL r address:ROWSxBYTES/pitch ... w ...". Addresses count from the start of this L1.
  std::vector<std::string> written();

  PlatformConfig platform;
  TilingConfig tiling;
  compiler::SharingChoice sharing;
  TrainConfig::Precision precision = TrainConfig::Precision::kFp32;

 private:
  std::string line(const compiler::PlanOp& op) const;

  std::uint32_t l1_bytes_;
  Graph graph_;
  std::unique_ptr<compiler::Step> step_;
  std::unique_ptr<compiler::Tilings> tilings_;
  std::unique_ptr<compiler::LoweringContext> context_;
  std::size_t seen_ = 0;
};

using Lines = std::vector<std::string>;

}  // namespace etude::test
