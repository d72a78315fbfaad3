// SPDX-License-Identifier: Apache-2.0
#include "compiler/feeds/context.h"

namespace etude::compiler {

/// The node, or the one that it repeats.
NodeId LoweringContext::plain(const Node& node) const {
  constexpr NodeId kNone = ~NodeId{0};
  return node.outputs.empty()
             ? kNone
             : step.plain_graph().producer(step.origin(node.outputs[0])).value_or(kNone);
}

TileConfig LoweringContext::fixed_cut(const Node& node) const {
  if (fixed_cuts == nullptr) {
    return {};
  }
  const auto found = fixed_cuts->find(plain(node));
  return found == fixed_cuts->end() ? TileConfig{} : found->second;
}

void LoweringContext::cut_at(const Node& node, const TileConfig& where) {
  cuts[plain(node)] = where;
}

StoredMatrix LoweringContext::stored(TensorId id, std::uint32_t row, std::uint32_t col) const {
  const ObjectId object = tape.object_of.at(step.storage.base(id));
  const StoredMatrix whole{object, {}, cols(id), tape.objects[object].type};
  return whole.behind(row * cols(id) + col);
}

StoredMatrix LoweringContext::stored(const MatrixView& view, std::uint32_t row,
                                     std::uint32_t col) const {
  const ObjectId object = tape.object_of.at(view.base);
  const StoredMatrix whole{
      object, {}, static_cast<std::uint32_t>(view.pitch), tape.objects[object].type};
  return whole.behind(view.offset + row * view.pitch + col);
}

std::optional<L1Matrix> LoweringContext::resident(const MatrixView& view) {
  const auto found = l1.resident(view.base);
  if (!found) {
    return std::nullopt;
  }
  const std::uint32_t width = found->cols;
  if (found->pitch == width) {
    return L1Matrix{found->address + bytes_for(view.offset, found->type), view.rows, view.cols,
                    static_cast<std::uint32_t>(view.rows == 1 ? view.cols : view.pitch),
                    found->type};
  }
  const auto row = static_cast<std::uint32_t>(view.offset / width);
  const auto col = static_cast<std::uint32_t>(view.offset % width);
  if (col + view.cols > width || (view.rows > 1 && view.pitch % width != 0)) {
    return std::nullopt;
  }
  const auto row_step = static_cast<std::uint32_t>(view.rows > 1 ? view.pitch / width : 1);
  return L1Matrix{found->at(row, col), view.rows, view.cols, row_step * found->pitch, found->type};
}

}  // namespace etude::compiler
