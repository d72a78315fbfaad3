// SPDX-License-Identifier: Apache-2.0
// Sums, products, extremes and means of constants over axes.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "workloads/onnx/folding.h"

namespace etude::onnxio {

namespace {

using Results = std::vector<RawTensor>;

/// What a reduction over axes does to a shape: the result's extents, and the element of the result
/// that each element of the input goes to.
struct Reduction {
  Integers shape;  ///< with extents of 1
  std::vector<std::size_t> to;
};

Reduction reduction(const Integers& from, const Integers& axes) {
  Reduction made{from, std::vector<std::size_t>(static_cast<std::size_t>(product(from)))};
  for (std::int64_t axis : axes) {
    made.shape[static_cast<std::size_t>(axis)] = 1;
  }
  for (std::size_t i = 0; i < made.to.size(); ++i) {
    auto rest = static_cast<std::int64_t>(i);
    std::int64_t at = 0;
    std::int64_t stride = 1;
    for (std::size_t axis = from.size(); axis-- > 0;) {
      at += made.shape[axis] == 1 ? 0 : rest % from[axis] * stride;
      stride *= made.shape[axis];
      rest /= from[axis];
    }
    made.to[i] = static_cast<std::size_t>(at);
  }
  return made;
}

/// From the first element on, in order. `real` gives float32's own result.
template <typename Real, typename Integer>
Results reduced(const FoldNode& n, Real real, Integer integer, bool mean = false) {
  const RawTensor& x = n.input(0);
  const Integers from = extents_of(x);
  if (x.type == kBoolType || x.type == kDoubleType || (mean && x.integers) ||
      product(from) > kMostFolded) {
    throw Refusal{"reduces " + to_string(x.shape) + " of the type " + element_type_name(x.type),
                  "at most 2^22 numbers of the types FLOAT, INT64 and INT32 are computed"};
  }
  Integers axes = n.list("axes", 1).value_or(Integers{});
  if (axes.empty()) {
    if (n.node.integer("noop_with_empty_axes", 0) != 0) {
      return {x};
    }
    axes.resize(from.size());
    std::iota(axes.begin(), axes.end(), 0);
  }
  axes = sorted_axes(axes, from.size());
  const Reduction plan = reduction(from, axes);
  RawTensor made = folded_tensor(plan.shape, x.type);
  if (product(from) == 0 && product(plan.shape) > 0) {
    throw Refusal{"reduces nothing", "give at least one element"};
  }
  std::vector<bool> begun(static_cast<std::size_t>(product(plan.shape)));
  for (std::size_t i = 0; i < plan.to.size(); ++i) {
    const std::size_t to = plan.to[i];
    if (x.integers) {
      const std::int64_t value = begun[to] ? integer(made.values[to], x.values[i]) : x.values[i];
      made.values[to] = x.type == kInt32Type ? static_cast<std::int32_t>(value) : value;
    } else {
      made.reals[to] = begun[to] ? real(made.reals[to], x.reals[i]) : x.reals[i];
    }
    begun[to] = true;
  }
  if (mean) {
    const auto count = static_cast<float>(product(from) / product(plan.shape));
    std::ranges::for_each(made.reals, [&](float& v) { v /= count; });
  }
  if (n.node.integer("keepdims", 1) == 0) {
    const Integers kept = squeezed(plan.shape, axes);
    made.shape.assign(kept.begin(), kept.end());
  }
  return {made};
}

std::int64_t wrapped_sum(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

std::int64_t wrapped_product(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}

float sum_of(float a, float b) { return a + b; }
float product_of(float a, float b) { return a * b; }
float least_of(float a, float b) { return a < b ? a : b; }
float most_of(float a, float b) { return a > b ? a : b; }
std::int64_t least_whole(std::int64_t a, std::int64_t b) { return std::min(a, b); }
std::int64_t most_whole(std::int64_t a, std::int64_t b) { return std::max(a, b); }

Results sums(const FoldNode& n) { return reduced(n, sum_of, wrapped_sum); }
Results means(const FoldNode& n) { return reduced(n, sum_of, wrapped_sum, true); }
Results products(const FoldNode& n) { return reduced(n, product_of, wrapped_product); }
Results least(const FoldNode& n) { return reduced(n, least_of, least_whole); }
Results most(const FoldNode& n) { return reduced(n, most_of, most_whole); }

}  // namespace

Fold reduction_fold_of(const std::string& op) {
  static const std::map<std::string, Fold> folds{{"ReduceSum", sums},
                                                 {"ReduceMean", means},
                                                 {"ReduceProd", products},
                                                 {"ReduceMin", least},
                                                 {"ReduceMax", most}};
  const auto found = folds.find(op);
  return found == folds.end() ? nullptr : found->second;
}

}  // namespace etude::onnxio
