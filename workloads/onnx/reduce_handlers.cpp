// SPDX-License-Identifier: Apache-2.0
// Operators that reduce axes: sums and what is made of them, maxima, minima.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "workloads/onnx/shape_rules.h"
#include "workloads/onnx/translator.h"

namespace etude::onnxio {

namespace {

/// What a node reduces.
struct Reduction {
  TensorId x;
  Integers from;  ///< extents of x
  Integers axes;  ///< that go, ascending
  bool keep;      ///< as extents of one
  bool nothing;   ///< no axes, and that means none

  bool gone(std::size_t axis) const {
    return std::ranges::binary_search(axes, static_cast<std::int64_t>(axis));
  }
  /// The result's extents.
  Integers result() const {
    Integers made;
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (!gone(i)) {
        made.push_back(from[i]);
      } else if (keep) {
        made.push_back(1);
      }
    }
    return made;
  }
  std::int64_t columns() const {
    std::int64_t count = 1;
    for (std::int64_t axis : axes) {
      count *= from[static_cast<std::size_t>(axis)];
    }
    return count;
  }
  /// Whether the axes that go, or those that stay, are neighbours.
  bool neighbours() const {
    std::size_t changes = 0;
    for (std::size_t i = 1; i < from.size(); ++i) {
      changes += gone(i) != gone(i - 1) ? 1u : 0u;
    }
    return changes <= 1 || (changes == 2 && gone(0) == gone(from.size() - 1));
  }
};

Reduction reduction_of(Translator& to, const RawNode& node) {
  Reduction made{to.value(node, 0), {}, {}, node.integer("keepdims", 1) != 0, false};
  const Shape& shape = to.shape(made.x);
  made.from.assign(shape.begin(), shape.end());
  const auto given = to.integers(node, "axes", 1);
  if (given && !given->empty()) {
    made.axes = sorted_axes(*given, shape.size());
    return made;
  }
  made.nothing = node.integer("noop_with_empty_axes", 0) != 0;
  made.axes.resize(shape.size());
  std::iota(made.axes.begin(), made.axes.end(), 0);
  return made;
}

/// The data as a matrix, whose columns are what goes.
TensorId rows_of(Translator& to, const RawNode& node, const Reduction& what, TensorId x) {
  Integers perm;
  for (const bool gone : {false, true}) {
    for (std::size_t i = 0; i < what.from.size(); ++i) {
      if (what.gone(i) == gone) {
        perm.push_back(static_cast<std::int64_t>(i));
      }
    }
  }
  if (!std::ranges::is_sorted(perm)) {
    x = to.add_between(node, OpType::kTranspose, {x}, {{"perm", perm}}, ".turned");
  }
  const Integers rows{product(what.from) / std::max<std::int64_t>(1, what.columns()),
                      what.columns()};
  return to.add_between(node, OpType::kReshape, {x}, {{"shape", rows}}, ".rows");
}

/// `y` in the result's extents.
void finish(Translator& to, const RawNode& node, const Reduction& what, TensorId y) {
  to.add(node, OpType::kReshape, {y}, {{"shape", what.result()}}, node.outputs.at(0));
}

/// The sum of x, whose shape is that of what is reduced; with a name of its own.
TensorId sum(Translator& to, const RawNode& node, const Reduction& what, TensorId x) {
  if (what.neighbours()) {
    return to.add_between(node, OpType::kReduceSum, {x},
                          {{"axes", what.axes}, {"keepdims", std::int64_t{what.keep}}}, ".sum");
  }
  const TensorId rows = rows_of(to, node, what, x);
  const TensorId y =
      to.add_between(node, OpType::kReduceSum, {rows},
                     {{"axes", Integers{1}}, {"keepdims", std::int64_t{0}}}, ".row_sums");
  return to.add_between(node, OpType::kReshape, {y}, {{"shape", what.result()}}, ".sum");
}

void reduce_sum(Translator& to, const RawNode& node) {
  const Reduction what = reduction_of(to, node);
  if (what.nothing) {
    finish(to, node, {what.x, what.from, {}, true, true}, what.x);
  } else if (what.neighbours()) {
    to.add(node, OpType::kReduceSum, {what.x},
           {{"axes", what.axes}, {"keepdims", std::int64_t{what.keep}}}, node.outputs.at(0));
  } else {
    finish(to, node, what, sum(to, node, what, what.x));
  }
}

void reduce_mean(Translator& to, const RawNode& node) {
  const Reduction what = reduction_of(to, node);
  if (what.nothing) {
    return finish(to, node, {what.x, what.from, {}, true, true}, what.x);
  }
  to.add(node, OpType::kScale, {sum(to, node, what, what.x)},
         {{"factor", 1 / static_cast<double>(what.columns())}}, node.outputs.at(0));
}

/// Sums of squares or of magnitudes, and roots and logarithms of sums.
void reduce_norm(Translator& to, const RawNode& node) {
  const Reduction what = reduction_of(to, node);
  TensorId x = what.x;
  if (node.op == "ReduceSumSquare" || node.op == "ReduceL2") {
    x = to.add_between(node, OpType::kMul, {x, x}, {}, ".squares");
  } else if (node.op == "ReduceL1") {
    x = to.add_between(node, OpType::kPiecewise, {x}, absolute(), ".magnitudes");
  }
  const TensorId y = what.nothing ? x : sum(to, node, what, x);
  if (node.op == "ReduceL2") {
    to.add(node, OpType::kSqrt, {y}, {}, node.outputs.at(0));
  } else if (node.op == "ReduceLogSum") {
    to.add(node, OpType::kLog, {y}, {}, node.outputs.at(0));
  } else {
    const Shape& shape = to.shape(y);
    to.add(node, OpType::kReshape, {y}, {{"shape", Integers(shape.begin(), shape.end())}},
           node.outputs.at(0));
  }
}

/// x - log softmax(x), which is the same in every column: that of the first one.
void reduce_log_sum_exp(Translator& to, const RawNode& node) {
  const Reduction what = reduction_of(to, node);
  if (what.nothing) {
    return finish(to, node, {what.x, what.from, {}, true, true}, what.x);
  }
  const TensorId rows = rows_of(to, node, what, what.x);
  const TensorId y = to.add_between(node, OpType::kLogSoftmax, {rows}, {}, ".log_softmax");
  const auto first = [&](TensorId of, const std::string& suffix) {
    return to.add_between(node, OpType::kSlice, {of},
                          {{"starts", Integers{0, 0}},
                           {"steps", Integers{1, 1}},
                           {"shape", Integers{static_cast<std::int64_t>(to.shape(of)[0]), 1}}},
                          suffix);
  };
  const TensorId x0 = first(rows, ".first");
  const TensorId y0 = first(y, ".first_log");
  finish(to, node, what, to.add_between(node, OpType::kSub, {x0, y0}, {}, ".log_sum"));
}

/// Maxima and minima, whose gradient goes to the first of them: a window over the row.
void reduce_extreme(Translator& to, const RawNode& node) {
  const Reduction what = reduction_of(to, node);
  if (what.nothing) {
    return finish(to, node, {what.x, what.from, {}, true, true}, what.x);
  }
  const bool least = node.op == "ReduceMin";
  TensorId x = what.x;
  if (least) {
    x = to.add_between(node, OpType::kScale, {x}, {{"factor", -1.0}}, ".negative");
  }
  const std::size_t rank = what.from.size();
  const bool image =
      (rank == 3 && what.axes == Integers{2}) || (rank == 4 && what.axes == Integers{2, 3});
  Integers window(what.from.begin() + (image ? 2 : 0), what.from.end());
  if (!image) {
    const TensorId rows = rows_of(to, node, what, x);
    const Shape& matrix = to.shape(rows);
    window = {static_cast<std::int64_t>(matrix[1])};
    x = to.add_between(node, OpType::kReshape, {rows},
                       {{"shape", Integers{1, static_cast<std::int64_t>(matrix[0]), window[0]}}},
                       ".signal");
  }
  TensorId y = to.add_between(node, OpType::kMaxPool, {x}, {{"kernel_shape", window}}, ".most");
  if (least) {
    y = to.add_between(node, OpType::kScale, {y}, {{"factor", -1.0}}, ".least");
  }
  finish(to, node, what, y);
}

}  // namespace

Handler reduce_handler_of(const std::string& op) {
  static const std::map<std::string, Handler> handlers{
      {"ReduceSum", reduce_sum},
      {"ReduceMean", reduce_mean},
      {"ReduceL1", reduce_norm},
      {"ReduceL2", reduce_norm},
      {"ReduceLogSum", reduce_norm},
      {"ReduceSumSquare", reduce_norm},
      {"ReduceMax", reduce_extreme},
      {"ReduceMin", reduce_extreme},
      {"ReduceLogSumExp", reduce_log_sum_exp},
  };
  const auto found = handlers.find(op);
  return found == handlers.end() ? nullptr : found->second;
}

}  // namespace etude::onnxio
