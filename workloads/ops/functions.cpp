// SPDX-License-Identifier: Apache-2.0
// Functions of one element whose gradient needs x, or is made of other operators: Piecewise, Elu,
// Exp, Log, Softplus, Erf, Sqrt, Reciprocal, Power, Sin, Cos. At corners gradients are PyTorch's.
#include <cmath>
#include <limits>

#include "models/base/error.h"
#include "workloads/ops/exact_math.h"
#include "workloads/ops/function_parameters.h"
#include "workloads/ops/op_rules.h"
#include "workloads/training/backward.h"

namespace etude::ops {
namespace {

constexpr float kInfinityF = std::numeric_limits<float>::infinity();

void infer_function(Graph& graph, const Node& node) {
  expect_arity(graph, node, 1, 1);
  infer_same_shape(graph, node);
}

void infer_slope(Graph& graph, const Node& node) {
  expect_arity(graph, node, 2, 2);
  infer_same_shape(graph, node);
}

template <typename Function>
void evaluate_each(const Node& node, TensorValues& values, Function&& f) {
  auto y = values[node.inputs[0]];
  for (double& each : y) {
    each = f(each);
  }
  values[node.outputs[0]] = std::move(y);
}

template <double (*f)(double x)>
void evaluate(const Graph&, const Node& node, TensorValues& values) {
  evaluate_each(node, values, f);
}

/// dx = dy slope(x).
template <typename Slope>
void evaluate_slopes(const Node& node, TensorValues& values, Slope&& slope) {
  auto dx = values[node.inputs[0]];
  const auto& x = values[node.inputs[1]];
  for (std::size_t i = 0; i < dx.size(); ++i) {
    const double s = slope(x[i]);
    dx[i] = s == 0 ? 0 : dx[i] * s;
  }
  values[node.outputs[0]] = std::move(dx);
}

/// What a gradient rule has at hand; nodes of the backward pass by their words.
class Chain {
 public:
  Chain(GradientBuilder& builder, NodeId id) : builder_(builder), node_(builder.graph().node(id)) {}

  bool wanted() const { return builder_.wants(x()); }
  const Node& node() const { return node_; }
  TensorId x() const { return node_.inputs[0]; }
  TensorId y() const { return node_.outputs[0]; }
  TensorId dy() { return builder_.gradient_of(y()); }
  /// A tensor on the way.
  TensorId between(const std::string& what, OpType type, std::vector<TensorId> inputs,
                   Attributes attributes = {}) {
    return builder_.emit(node_.name + ".dx." + what, made(type, inputs, attributes));
  }
  /// The gradient itself.
  void give(OpType type, std::vector<TensorId> inputs, Attributes attributes = {}) {
    builder_.contribute(x(), made(type, inputs, attributes));
  }

 private:
  static Node made(OpType type, const std::vector<TensorId>& inputs, const Attributes& attributes) {
    return Node{"", type, Phase::kBackward, inputs, {}, attributes};
  }

  GradientBuilder& builder_;
  const Node node_;
};

template <void (*rule)(Chain& chain)>
void gradient(GradientBuilder& builder, NodeId id) {
  if (Chain chain(builder, id); chain.wanted()) {
    rule(chain);
  }
}

// Piecewise: u = slope x + offset from low to high, slopes of u beyond.

void infer_piecewise(Graph& graph, const Node& node) {
  infer_function(graph, node);
  const auto p = parameters_of(node);
  if (!(p[0] <= p[1])) {
    throw UserError("node '" + node.name + "' (Piecewise)", "its low end is above its high end",
                    "low is at most high");
  }
}

void evaluate_piecewise(const Graph&, const Node& node, TensorValues& values) {
  const auto p = parameters_of(node);
  const auto beyond = [](double u, double knot, double slope) {
    return slope == 0 ? knot : slope * (u - knot) + knot;
  };
  evaluate_each(node, values, [&](double x) {
    const double u = static_cast<double>(p[4]) * x + p[5];
    return u < p[0] ? beyond(u, p[0], p[2]) : u > p[1] ? beyond(u, p[1], p[3]) : u;
  });
}

/// The knots as values of x. Where the node is `closed` they belong to the middle piece, else to
/// the pieces beyond, and a single knot (low = high) has slope 0.
void piecewise_gradient(Chain& chain) {
  const auto p = parameters_of(chain.node());
  const double slope = p[4];
  const bool closed = chain.node().integer("closed", 1) != 0;
  const auto at = [&](float knot) {
    return std::isinf(knot) || slope == 0 ? knot : static_cast<float>((knot - p[5]) / slope);
  };
  float low = at(p[0]);
  float high = at(p[1]);
  double below = slope * p[2];
  double above = slope * p[3];
  double middle = slope;
  if (slope < 0) {
    const float kept = std::isinf(low) ? kInfinityF : low;
    low = std::isinf(high) ? -kInfinityF : high;
    high = kept;
    std::swap(below, above);
  }
  if (!closed && low == high) {
    middle = 0;
  } else if (!closed) {
    low = std::isinf(low) ? low : std::nextafterf(low, kInfinityF);
    high = std::isinf(high) ? high : std::nextafterf(high, -kInfinityF);
  }
  chain.give(OpType::kPiecewiseGrad, {chain.dy(), chain.x()},
             {{"low", static_cast<double>(low)},
              {"high", static_cast<double>(high)},
              {"below", below},
              {"above", above},
              {"slope", middle}});
}

void evaluate_piecewise_grad(const Graph&, const Node& node, TensorValues& values) {
  const auto p = parameters_of(node);
  evaluate_slopes(node, values, [&](double x) -> double {
    return x < p[0] ? p[2] : x > p[1] ? p[3] : p[4];
  });
}

void piecewise_kinks(const Graph&, const Node& node, const TensorValues& values,
                     const KinkFound& found) {
  const auto p = parameters_of(node);
  const std::size_t count = values[node.inputs[1]].size();
  for (std::size_t knot = 0; knot < 2; ++knot) {
    for (std::size_t i = 0; std::isfinite(p[knot]) && i < count; ++i) {
      found(node.inputs[1], i, p[knot]);
    }
  }
}

// Elu: gamma x where x > 0, else gamma alpha (e^(rate x) - 1).

void infer_elu(Graph& graph, const Node& node) {
  node.op == OpType::kElu ? infer_function(graph, node) : infer_slope(graph, node);
  if (!(parameters_of(node)[2] > 0)) {
    throw UserError("node '" + node.name + "' (" + name_of(node.op) + ")",
                    "its rate is not above zero", "rates above zero are supported");
  }
}

void evaluate_elu(const Graph&, const Node& node, TensorValues& values) {
  const auto p = parameters_of(node);
  evaluate_each(node, values,
                [&](double x) { return x > 0 ? p[0] * x : p[1] * exact_exp_minus_one(p[2] * x); });
}

void elu_gradient(Chain& chain) {
  chain.give(OpType::kEluGrad, {chain.dy(), chain.x()}, chain.node().attributes);
}

void evaluate_elu_grad(const Graph&, const Node& node, TensorValues& values) {
  const auto p = parameters_of(node);
  evaluate_slopes(node, values,
                  [&](double x) -> double { return x > 0 ? p[0] : p[1] * exact_exp(p[2] * x); });
}

/// Where the slopes on both sides of 0 are not one.
void elu_kinks(const Graph&, const Node& node, const TensorValues& values, const KinkFound& found) {
  const auto p = parameters_of(node);
  for (std::size_t i = 0; p[0] != p[1] && i < values[node.inputs[1]].size(); ++i) {
    found(node.inputs[1], i, 0);
  }
}

void exp_gradient(Chain& chain) { chain.give(OpType::kMul, {chain.dy(), chain.y()}); }

void log_gradient(Chain& chain) { chain.give(OpType::kDiv, {chain.dy(), chain.x()}); }

double softplus(double x) {
  return (x > 0 ? x : 0) + exact_log_of_one_and(exact_exp(x > 0 ? -x : x));
}

void softplus_gradient(Chain& chain) {
  chain.give(OpType::kMul, {chain.dy(), chain.between("sigmoid", OpType::kSigmoid, {chain.x()})});
}

void erf_gradient(Chain& chain) {  // dy 2 / sqrt(pi) e^(-x^2)
  const TensorId square = chain.between("square", OpType::kMul, {chain.x(), chain.x()});
  const TensorId negative = chain.between("negative", OpType::kScale, {square}, {{"factor", -1.0}});
  const TensorId bell = chain.between("bell", OpType::kExp, {negative});
  const TensorId product = chain.between("product", OpType::kMul, {chain.dy(), bell});
  chain.give(OpType::kScale, {product}, {{"factor", 0x1.20dd750429b6dp+0}});
}

double square_root(double x) { return std::sqrt(x); }

void sqrt_gradient(Chain& chain) {  // dy / y / 2
  const TensorId quotient = chain.between("quotient", OpType::kDiv, {chain.dy(), chain.y()});
  chain.give(OpType::kScale, {quotient}, {{"factor", 0.5}});
}

double reciprocal(double x) { return 1 / x; }

void reciprocal_gradient(Chain& chain) {  // -dy y^2
  const TensorId square = chain.between("square", OpType::kMul, {chain.y(), chain.y()});
  const TensorId product = chain.between("product", OpType::kMul, {chain.dy(), square});
  chain.give(OpType::kScale, {product}, {{"factor", -1.0}});
}

void infer_power(Graph& graph, const Node& node) {
  infer_function(graph, node);
  const float exponent = parameters_of(node)[0];
  if (exponent == 0 || !std::isfinite(exponent)) {
    throw UserError("node '" + node.name + "' (Power)", "its exponent is zero or not finite",
                    "give another one");
  }
}

void evaluate_power(const Graph&, const Node& node, TensorValues& values) {
  const double exponent = parameters_of(node)[0];
  evaluate_each(node, values, [&](double x) { return exact_power(x, exponent); });
}

void power_gradient(Chain& chain) {  // dy exponent x^(exponent - 1)
  const double exponent = parameters_of(chain.node())[0];
  const Attributes one_less{{"exponent", exponent - 1}};
  const Attributes factor{{"factor", exponent}};
  if (static_cast<float>(exponent - 1) == 0) {
    return chain.give(OpType::kScale, {chain.dy()}, factor);
  }
  const TensorId power = chain.between("power", OpType::kPower, {chain.x()}, one_less);
  const TensorId product = chain.between("product", OpType::kMul, {chain.dy(), power});
  chain.give(OpType::kScale, {product}, factor);
}

void sin_gradient(Chain& chain) {
  chain.give(OpType::kMul, {chain.dy(), chain.between("cosine", OpType::kCos, {chain.x()})});
}

void cos_gradient(Chain& chain) {
  const TensorId sine = chain.between("sine", OpType::kSin, {chain.x()});
  const TensorId product = chain.between("product", OpType::kMul, {chain.dy(), sine});
  chain.give(OpType::kScale, {product}, {{"factor", -1.0}});
}

template <double (*f)(double x), void (*rule)(Chain& chain)>
constexpr OpRules kFunction{infer_function, gradient<rule>, evaluate<f>, no_macs};

}  // namespace

const OpRules kPiecewiseRules{infer_piecewise, gradient<piecewise_gradient>, evaluate_piecewise,
                              no_macs};
const OpRules kPiecewiseGradRules{infer_slope, nullptr, evaluate_piecewise_grad, no_macs,
                                  piecewise_kinks};
const OpRules kEluRules{infer_elu, gradient<elu_gradient>, evaluate_elu, no_macs};
const OpRules kEluGradRules{infer_elu, nullptr, evaluate_elu_grad, no_macs, elu_kinks};
const OpRules kExpRules = kFunction<exact_exp, exp_gradient>;
const OpRules kLogRules = kFunction<exact_log, log_gradient>;
const OpRules kSoftplusRules = kFunction<softplus, softplus_gradient>;
const OpRules kErfRules = kFunction<exact_erf, erf_gradient>;
const OpRules kSqrtRules = kFunction<square_root, sqrt_gradient>;
const OpRules kReciprocalRules = kFunction<reciprocal, reciprocal_gradient>;
const OpRules kPowerRules{infer_power, gradient<power_gradient>, evaluate_power, no_macs};
const OpRules kSinRules = kFunction<exact_sin, sin_gradient>;
const OpRules kCosRules = kFunction<exact_cos, cos_gradient>;

}  // namespace etude::ops
