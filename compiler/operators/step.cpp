// SPDX-License-Identifier: Apache-2.0
#include "compiler/operators/step.h"

#include <algorithm>
#include <utility>

#include "compiler/operators/rewrite.h"
#include "models/base/error.h"

namespace etude::compiler {
namespace {

bool fp16_array(const PlatformConfig& platform) {
  const RedmuleConfig& array = platform.cluster.redmule;
  return array.enabled && array.format == RedmuleConfig::Format::kFp16;
}

bool products_in_half(const PlatformConfig& platform, TrainConfig::Precision precision) {
  const bool mixed = precision == TrainConfig::Precision::kMixedFp16;
  if (mixed && !fp16_array(platform)) {
    throw UserError("/train/precision", "mixed_fp16 needs a RedMulE of format fp16",
                    "set /platform/cluster/redmule/format to fp16, or precision to fp32");
  }
  return mixed;
}

}  // namespace

Step::Step(const TrainingGraph& given, const PlatformConfig& on, const TilingConfig& fixed,
           TrainConfig::Precision precision, bool early_updates, const PackedWeights& stored)
    : training(with_binary_sums(given)),
      storage(training.graph),
      platform(on),
      tiling(fixed),
      cost(on),
      half(products_in_half(on, precision)),
      redmule(on.cluster.redmule.enabled && (half || !fp16_array(on))),
      packed(packed_tensors(training.graph, storage, stored)),
      operators(group_operators(training.graph, storage,
                                on.cluster.redmule.enabled && !fp16_array(on), early_updates)),
      uses_(uses()) {}

Step::Step(const Step& plain, StepCopy copy)
    : training(std::move(copy.training)),
      storage(std::move(copy.storage)),
      platform(plain.platform),
      tiling(plain.tiling),
      cost(plain.platform),
      half(plain.half),
      redmule(plain.redmule),
      packed(plain.packed),
      operators(std::move(copy.operators)),
      plain_(&plain),
      origins_(std::move(copy.origins)),
      uses_(uses()) {}

std::optional<NodeId> Step::pooled_relu(TensorId image) const {
  return compiler::pooled_relu(plain_graph(), origin(image)) ? graph().producer(image)
                                                             : std::nullopt;
}

std::uint32_t Step::rows(TensorId id) const {
  const Shape& shape = tensor(id).shape;
  return shape.size() < 2 ? 1 : static_cast<std::uint32_t>(tensor(id).elements() / shape.back());
}

std::uint32_t Step::cols(TensorId id) const {
  const Shape& shape = tensor(id).shape;
  return shape.empty() ? 1 : static_cast<std::uint32_t>(shape.back());
}

bool Step::whole(const MatrixView& view) const {
  return view.offset == 0 && view.pitch == view.cols &&
         std::uint64_t{view.rows} * view.cols == tensor(view.base).elements();
}

std::vector<std::vector<std::uint32_t>> Step::uses() const {
  std::vector<std::vector<std::uint32_t>> found(graph().tensors().size());
  for (std::size_t i = 0; i < operators.size(); ++i) {
    for (NodeId member : operators[i].nodes()) {
      for (TensorId input : graph().node(member).inputs) {
        auto& list = found[storage.base(input)];
        if (list.empty() || list.back() != i) {
          list.push_back(static_cast<std::uint32_t>(i));
        }
      }
    }
  }
  return found;
}

std::size_t Step::next_use(TensorId id, std::size_t current) const {
  const auto& list = uses_.at(storage.base(id));
  const auto next = std::ranges::upper_bound(list, current);
  return next == list.end() ? ~std::size_t{0} : *next - current;
}

std::vector<std::string> Step::warnings() const {
  if (fp16_array(platform) && !half) {
    return {"RedMulE has the format fp16: FP32 matrix multiplications run on the cores"};
  }
  return {};
}

}  // namespace etude::compiler
