// SPDX-License-Identifier: Apache-2.0
#include "compiler/operators/packed_weights.h"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "compiler/operators/grouping.h"
#include "compiler/operators/not_available.h"
#include "models/base/error.h"
#include "workloads/ops/op_rules.h"

namespace etude::compiler {
namespace {

/// Whether a product reads the tensor as a factor, as one matrix, and no tile of its result meets a
/// target.
bool multiplies_by(const Graph& graph, const StoragePlan& storage, const Node& node,
                   TensorId weight) {
  if (node.op == OpType::kConv || node.op == OpType::kConvGradInput) {
    return node.inputs[0] != weight && node.inputs[1] == weight && node.integer("group", 1) == 1 &&
           (node.inputs.size() < 3 || node.inputs[2] != weight);
  }
  if (node.op != OpType::kGemm || graph.tensor(weight).shape.size() != 2 ||
      !one_product(graph, storage, node) || (node.inputs.size() > 2 && node.inputs[2] == weight) ||
      node.inputs[0] == node.inputs[1]) {
    return false;
  }
  return std::ranges::none_of(graph.consumers(node.outputs[0]), [&](NodeId reader) {
    return graph.node(reader).op == OpType::kMseLoss;
  });
}

}  // namespace

Bytes PackedWeight::number_bytes() const {
  return Bytes{std::uint64_t{rows} * plain_pitch(form.number, cols)};
}

std::vector<DecodableWeight> decodable_weights(const Graph& graph, const StoragePlan& storage) {
  std::vector<DecodableWeight> found;
  for (TensorId id = 0; id < graph.tensors().size(); ++id) {
    const Tensor& tensor = graph.tensor(id);
    if (tensor.kind != TensorKind::kParameter || tensor.trainable || tensor.alias_of ||
        tensor.shape.size() < 2 || tensor.dtype != DType::kFloat32 || storage.base(id) != id) {
      continue;
    }
    bool all = true;
    std::optional<bool> outputs_are_rows;
    for (const Node& node : graph.nodes()) {
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        if (storage.base(node.inputs[i]) != id) {
          continue;
        }
        all = all && node.inputs[i] == id && multiplies_by(graph, storage, node, id);
        if (!outputs_are_rows && node.phase == Phase::kForward) {
          outputs_are_rows = node.op != OpType::kGemm || (i == 1 && node.integer("transB") != 0);
        }
      }
      all = all && std::ranges::none_of(
                       node.outputs, [&](TensorId output) { return storage.base(output) == id; });
    }
    if (all && outputs_are_rows) {
      found.push_back({id, static_cast<std::uint32_t>(tensor.shape[0]),
                       static_cast<std::uint32_t>(tensor.elements() / tensor.shape[0]),
                       *outputs_are_rows});
    }
  }
  return found;
}

std::map<TensorId, PackedWeight> packed_tensors(const Graph& graph, const StoragePlan& storage,
                                                const PackedWeights& packed) {
  std::map<TensorId, PackedWeight> found;
  if (packed.empty()) {
    return found;
  }
  const std::vector<DecodableWeight> decodable = decodable_weights(graph, storage);
  for (const auto& [name, weight] : packed) {
    const std::string where = "/compress/tensors/" + name;
    if (weight.form.code != StoredCode::kPlain || weight.form.number == StoredNumber::kFloat16) {
      throw NotAvailable(where, "has a stored form that the cores have no kernel for",
                         "int8, int4 and int3 with code plain are decoded by tile");
    }
    const auto one = std::ranges::find_if(decodable, [&](const DecodableWeight& weight_of) {
      return graph.tensor(weight_of.tensor).name == name;
    });
    if (one == decodable.end()) {
      throw UserError(where, "is no frozen weight that only products read",
                      "others stay as they are");
    }
    if (one->rows != weight.rows || one->cols != weight.cols) {
      throw UserError(
          where, "is " + std::to_string(weight.rows) + "x" + std::to_string(weight.cols),
          "the step's is " + std::to_string(one->rows) + "x" + std::to_string(one->cols));
    }
    found[one->tensor] = weight;
  }
  return found;
}

etude_kernel decode_kernel(const StoredForm& form, bool to_half) {
  if (form.code == StoredCode::kPlain) {
    switch (form.number) {
      case StoredNumber::kInt8:
        return to_half ? ETUDE_KERNEL_DECODE_INT8_FP16 : ETUDE_KERNEL_DECODE_INT8;
      case StoredNumber::kInt4:
        return to_half ? ETUDE_KERNEL_DECODE_INT4_FP16 : ETUDE_KERNEL_DECODE_INT4;
      case StoredNumber::kInt3:
        return to_half ? ETUDE_KERNEL_DECODE_INT3_FP16 : ETUDE_KERNEL_DECODE_INT3;
      case StoredNumber::kFloat16:
        break;
    }
  }
  throw std::logic_error("no kernel decodes this form");
}

}  // namespace etude::compiler
