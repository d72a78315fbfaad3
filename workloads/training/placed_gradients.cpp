// SPDX-License-Identifier: Apache-2.0
// Gradients that come piece by piece: what a tensor's slices contribute. Those of a tensor that was
// split are its gradient one behind the other, not a sum of tensors that are zero nearly
// everywhere.
#include <algorithm>

#include "workloads/training/backward.h"

namespace etude {

void GradientBuilder::place(TensorId tensor, TensorId gradient, std::vector<std::int64_t> starts,
                            std::vector<std::int64_t> steps) {
  pieces_[tensor].push_back({gradient, std::move(starts), std::move(steps)});
}

/// Pieces in runs without gaps along one axis, `axis`; each by itself where they differ in several
/// axes, overlap or have other steps than 1.
std::vector<std::vector<GradientBuilder::Piece>> GradientBuilder::runs_of(TensorId tensor,
                                                                          std::size_t* axis) const {
  std::vector<Piece> pieces = pieces_.at(tensor);
  std::vector<std::vector<Piece>> alone;
  for (const Piece& piece : pieces) {
    alone.push_back({piece});
  }
  const Shape& whole = graph_.tensor(tensor).shape;
  const auto extent = [&](const Piece& piece, std::size_t d) {
    return graph_.tensor(piece.gradient).shape[d];
  };
  *axis = whole.size();
  for (std::size_t d = 0; d < whole.size(); ++d) {
    const bool cut =
        std::ranges::any_of(pieces, [&](const Piece& p) { return extent(p, d) != whole[d]; });
    const bool stepped =
        std::ranges::any_of(pieces, [&](const Piece& p) { return p.steps[d] != 1; });
    if (stepped || (cut && *axis != whole.size())) {
      return alone;
    }
    *axis = cut ? d : *axis;
  }
  if (*axis == whole.size()) {
    return alone;
  }
  std::ranges::stable_sort(pieces, {}, [&](const Piece& p) { return p.starts[*axis]; });
  std::vector<std::vector<Piece>> runs;
  std::int64_t end = -1;
  for (const Piece& piece : pieces) {
    const std::int64_t start = piece.starts[*axis];
    if (start < end) {
      return alone;
    }
    if (start != end) {
      runs.emplace_back();
    }
    runs.back().push_back(piece);
    end = start + static_cast<std::int64_t>(extent(piece, *axis));
  }
  return runs;
}

void GradientBuilder::contribute_padded(TensorId tensor, const Piece& piece,
                                        const std::string& name) {
  const Shape whole = graph_.tensor(tensor).shape;
  const bool stepped =
      std::ranges::any_of(piece.steps, [](std::int64_t step) { return step != 1; });
  if (graph_.tensor(piece.gradient).shape == whole && !stepped) {
    pass(tensor, piece.gradient);
    return;
  }
  pass(tensor, emit(name, Node{"",
                               OpType::kPad,
                               Phase::kBackward,
                               {piece.gradient},
                               {},
                               {{"starts", piece.starts},
                                {"steps", piece.steps},
                                {"shape", std::vector<std::int64_t>(whole.begin(), whole.end())},
                                {"value", 0.0}}}));
}

void GradientBuilder::join_pieces(TensorId tensor) {
  if (!pieces_.contains(tensor)) {
    return;
  }
  std::size_t axis = 0;
  const auto runs = runs_of(tensor, &axis);
  pieces_.erase(tensor);
  const bool only = runs.size() == 1 && !contributions_.contains(tensor);
  for (const std::vector<Piece>& run : runs) {
    const std::string name =
        only ? graph_.tensor(tensor).name + ".grad" : contribution_name(tensor);
    Piece piece = run[0];
    if (run.size() > 1) {
      Node join{"",
                OpType::kConcat,
                Phase::kBackward,
                {},
                {},
                {{"axis", static_cast<std::int64_t>(axis)}}};
      std::uint64_t extent = 0;
      for (const Piece& part : run) {
        join.inputs.push_back(part.gradient);
        extent += graph_.tensor(part.gradient).shape[axis];
      }
      const bool whole = extent == graph_.tensor(tensor).shape[axis];
      piece.gradient = emit(whole ? name : name + ".joined", std::move(join));
    }
    contribute_padded(tensor, piece, name);
  }
}

}  // namespace etude
