// SPDX-License-Identifier: Apache-2.0
#include "run/execute/update_check.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "workloads/training/update.h"

namespace etude::run {
namespace {

/// A value, and how far the chip's may be off.
struct Expected {
  double value, allowed;
};

std::string text(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.9g", value);
  return buffer;
}

double rate(const Node& node, const char* key, double otherwise) {
  return static_cast<float>(node.real(key, otherwise));
}

/// a + b, each given exactly, rounded once or twice.
Expected sum(double a, double b) {
  return {a + b, last_place(std::max({std::abs(a), std::abs(b), std::abs(a + b)}))};
}

/// One element of what the node writes: first the weight, then the states.
class Rule {
 public:
  explicit Rule(const Node& node)
      : op_(node.op),
        lr_(rate(node, "lr", 0)),
        momentum_(rate(node, "momentum", 0)),
        beta1_(rate(node, "beta1", 0.9)),
        beta2_(rate(node, "beta2", 0.999)) {
    if (op_ == OpType::kAdam) {
      adam_ = adam_rates(lr_, node.real("beta1", 0.9), node.real("beta2", 0.999),
                         node.real("epsilon", 1e-8), node.integer("step", 1));
    }
  }

  /// `old`: weight and states before; `now`: states after (what the weight's change is made of).
  std::vector<Expected> expect(const std::vector<double>& old, double g,
                               const std::vector<double>& now) const {
    if (op_ == OpType::kMomentum) {
      return {sum(old[0], -lr_ * now[1]), sum(momentum_ * old[1], g)};
    }
    if (op_ == OpType::kAdam) {
      const double change = double{adam_.lr} * now[1] / (std::sqrt(now[2]) + adam_.epsilon);
      Expected w = sum(old[0], -change);
      w.allowed += std::ldexp(std::abs(change), -20);
      return {w, moment(old[1], g, beta1_), moment(old[2], g * g, beta2_)};
    }
    return {sum(old[0], -lr_ * g)};
  }

 private:
  static Expected moment(double old, double value, double beta) {
    return {beta * old + (1 - beta) * value,
            4 * last_place(std::max(std::abs(old), std::abs(value)))};
  }

  OpType op_;
  double lr_, momentum_, beta1_, beta2_;
  AdamRates adam_{};
};

}  // namespace

double last_place(double magnitude) {
  const float least = static_cast<float>(magnitude);
  return double{std::nextafter(least, std::numeric_limits<float>::infinity())} - double{least};
}

std::optional<std::string> check_update(const Graph& graph, const Node& update,
                                        const StartValues& before,
                                        const std::vector<float>& gradient,
                                        const StartValues& after) {
  std::vector<TensorId> written{update.inputs[0]};
  written.insert(written.end(), update.inputs.begin() + 2, update.inputs.end());
  const Rule rule(update);
  std::vector<double> old(written.size()), now(written.size());
  for (std::size_t i = 0; i < before.at(written[0]).size(); ++i) {
    for (std::size_t t = 0; t < written.size(); ++t) {
      const std::vector<float>& left = after.at(written[t]);
      old[t] = before.at(written[t]).at(i);
      now[t] = i < left.size() ? double{left[i]} : NAN;
    }
    const std::vector<Expected> wanted = rule.expect(old, gradient.at(i), now);
    for (std::size_t t = 0; t < written.size(); ++t) {
      if (!(std::abs(now[t] - wanted[t].value) <= wanted[t].allowed)) {
        return "updated " + graph.tensor(written[t]).name + "[" + std::to_string(i) + "] is " +
               (std::isnan(now[t]) ? "absent" : text(now[t])) + ", " +
               (update.op == OpType::kSgd ? "old - lr * gradient is " : "its rule gives ") +
               text(wanted[t].value);
      }
    }
  }
  return std::nullopt;
}

}  // namespace etude::run
