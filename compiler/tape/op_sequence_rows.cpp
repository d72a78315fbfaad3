// SPDX-License-Identifier: Apache-2.0
// Kernels that work element by element or row by row.
#include <bit>
#include <cstddef>

#include "compiler/tape/l1_access.h"
#include "compiler/tape/op_sequence.h"

namespace etude {

namespace {

std::uint32_t bits(float value) { return std::bit_cast<std::uint32_t>(value); }

std::uint32_t elements(const L1Matrix& m) { return m.rows * m.cols; }

}  // namespace

void OpSequence::binary(etude_kernel number, const L1Matrix& a, const L1Matrix& b,
                        const L1Matrix& c) {
  const double cycles = number == ETUDE_KERNEL_DIV ? CostModel::kDiv : CostModel::kAdd;
  PlanOp& made =
      kernel(number, {a.address, b.address, c.address, c.rows, c.cols, a.pitch, b.pitch, c.pitch},
             cost_.core_kernel(elements(c), cycles));
  made.accesses = {l1_access(a, false), l1_access(b, false), l1_access(c, true)};
}

void OpSequence::unary(etude_kernel number, const L1Matrix& x, const L1Matrix& y, float factor) {
  PlanOp& made =
      kernel(number, {x.address, y.address, y.rows, y.cols, x.pitch, y.pitch, bits(factor)},
             cost_.core_kernel(elements(y), CostModel::kRelu));
  made.accesses = {l1_access(x, false), l1_access(y, true)};
}

void OpSequence::rectifier_grad(etude_kernel number, const L1Matrix& dy, const L1Matrix& y,
                                const L1Matrix& dx) {
  PlanOp& made = kernel(
      number, {dy.address, y.address, dx.address, dx.rows, dx.cols, dy.pitch, y.pitch, dx.pitch},
      cost_.core_kernel(elements(dx), CostModel::kReluGrad));
  made.accesses = {l1_access(dy, false), l1_access(y, false), l1_access(dx, true)};
}

void OpSequence::gelu(const L1Matrix& x, const L1Matrix& y, std::uint32_t form) {
  PlanOp& made =
      kernel(ETUDE_KERNEL_GELU, {x.address, y.address, 0, y.rows, y.cols, x.pitch, y.pitch, form},
             cost_.core_kernel(elements(y), CostModel::kGelu));
  made.accesses = {l1_access(x, false), l1_access(y, true)};
}

void OpSequence::gelu_grad(const L1Matrix& dy, const L1Matrix& x, const L1Matrix& dx,
                           std::uint32_t form) {
  PlanOp& made = kernel(
      ETUDE_KERNEL_GELU_GRAD,
      {x.address, dy.address, dx.address, 0, dx.rows, dx.cols, x.pitch, dy.pitch, dx.pitch, form},
      cost_.core_kernel(elements(dx), CostModel::kGeluGrad));
  made.accesses = {l1_access(x, false), l1_access(dy, false), l1_access(dx, true)};
}

void OpSequence::layernorm(const L1Matrix& x, const L1Matrix& gamma, const L1Matrix& beta,
                           const L1Matrix& y, float epsilon) {
  PlanOp& made = kernel(ETUDE_KERNEL_LAYERNORM,
                        {x.address, y.address, gamma.address, beta.address, 0, y.rows, y.cols,
                         x.pitch, y.pitch, bits(epsilon)},
                        cost_.core_rows(y.rows, y.cols, CostModel::kLayerNorm));
  made.accesses = {l1_access(x, false), l1_access(gamma, false), l1_access(beta, false),
                   l1_access(y, true)};
}

void OpSequence::layernorm_stats(const L1Matrix& x, const L1Matrix& stats, float epsilon) {
  PlanOp& made = kernel(ETUDE_KERNEL_LAYERNORM_STATS,
                        {x.address, stats.address, x.rows, x.cols, x.pitch, bits(epsilon)},
                        cost_.core_rows(x.rows, x.cols, CostModel::kLayerNormStats));
  made.accesses = {l1_access(x, false), l1_access(stats, true)};
}

void OpSequence::layernorm_grad(const L1Matrix& dy, const L1Matrix& x, const L1Matrix& gamma,
                                const L1Matrix* stats, const L1Matrix& dx, float epsilon) {
  PlanOp& made =
      kernel(ETUDE_KERNEL_LAYERNORM_GRAD,
             {x.address, dy.address, gamma.address, stats != nullptr ? stats->address : 0,
              dx.address, dx.rows, dx.cols, x.pitch, dy.pitch, dx.pitch, bits(epsilon)},
             cost_.core_rows(dx.rows, dx.cols, CostModel::kLayerNormGrad));
  made.accesses = {l1_access(x, false), l1_access(dy, false), l1_access(gamma, false),
                   l1_access(dx, true)};
  if (stats != nullptr) {
    made.accesses.push_back(l1_access(*stats, false));
  }
}

void OpSequence::layernorm_affine_grad(const L1Matrix& dy, const L1Matrix& x, const L1Matrix& stats,
                                       const L1Matrix& dgamma, const L1Matrix& dbeta,
                                       bool accumulate) {
  PlanOp& made = kernel(ETUDE_KERNEL_LAYERNORM_AFFINE_GRAD,
                        {x.address, dy.address, stats.address, dgamma.address, dbeta.address,
                         x.rows, x.cols, x.pitch, dy.pitch, accumulate ? 1u : 0u},
                        cost_.core_kernel(elements(x), CostModel::kLayerNormAffineGrad));
  made.accesses = {l1_access(x, false), l1_access(dy, false), l1_access(stats, false),
                   l1_access(dgamma, true), l1_access(dbeta, true)};
}

void OpSequence::softmax(const L1Matrix& x, const L1Matrix& y, float scale) {
  PlanOp& made = kernel(ETUDE_KERNEL_SOFTMAX,
                        {x.address, y.address, y.rows, y.cols, x.pitch, y.pitch, bits(scale)},
                        cost_.core_rows(y.rows, y.cols, CostModel::kSoftmax));
  made.accesses = {l1_access(x, false), l1_access(y, true)};
}

void OpSequence::softmax_grad(const L1Matrix& dy, const L1Matrix& y, const L1Matrix& dx,
                              float scale) {
  PlanOp& made = kernel(ETUDE_KERNEL_SOFTMAX_GRAD,
                        {y.address, dy.address, dx.address, dx.rows, dx.cols, y.pitch, dy.pitch,
                         dx.pitch, bits(scale)},
                        cost_.core_rows(dx.rows, dx.cols, CostModel::kSoftmaxGrad));
  made.accesses = {l1_access(y, false), l1_access(dy, false), l1_access(dx, true)};
}

void OpSequence::cross_entropy(const L1Matrix& x, const L1Matrix& labels, const L1Matrix& log_p,
                               std::uint32_t loss, float scale_loss) {
  PlanOp& made = kernel(ETUDE_KERNEL_CROSS_ENTROPY,
                        {x.address, labels.address, log_p.address, 0, loss, x.rows, x.cols, x.pitch,
                         log_p.pitch, 0, bits(scale_loss), 0},
                        cost_.core_rows(x.rows, x.cols, CostModel::kCrossEntropy));
  made.accesses = {l1_access(x, false), l1_access(labels, false), l1_access(log_p, true),
                   l1_words(loss, 1, true)};
}

void OpSequence::cross_entropy_grad(const L1Matrix& log_p, const L1Matrix& labels,
                                    const L1Matrix& dx, float scale) {
  PlanOp& made = kernel(ETUDE_KERNEL_CROSS_ENTROPY_GRAD,
                        {log_p.address, labels.address, dx.address, dx.rows, dx.cols, log_p.pitch,
                         dx.pitch, bits(scale)},
                        cost_.core_rows(dx.rows, dx.cols, CostModel::kCrossEntropy));
  made.accesses = {l1_access(log_p, false), l1_access(labels, false), l1_access(dx, true)};
}

void OpSequence::momentum(const L1Matrix& w, const L1Matrix& g, const L1Matrix& v, float lr,
                          float mu) {
  PlanOp& made =
      kernel(ETUDE_KERNEL_MOMENTUM,
             {w.address, g.address, v.address, w.rows, w.cols, w.pitch, bits(lr), bits(mu)},
             cost_.core_kernel(elements(w), CostModel::kMomentum));
  made.accesses = {l1_access(w, true), l1_access(g, false), l1_access(v, true)};
  using Rate = RateArgument::Rate;
  made.rates = {{Rate::kLearningRate, offsetof(etude_momentum_args, lr) / 4},
                {Rate::kMomentum, offsetof(etude_momentum_args, mu) / 4}};
}

void OpSequence::adam(const L1Matrix& w, const L1Matrix& g, const L1Matrix& m, const L1Matrix& v,
                      const AdamRates& rates, float beta1, float beta2) {
  PlanOp& made = kernel(ETUDE_KERNEL_ADAM,
                        {w.address, g.address, m.address, v.address, w.rows, w.cols, w.pitch,
                         bits(rates.lr), bits(beta1), bits(beta2), bits(rates.epsilon)},
                        cost_.core_kernel(elements(w), CostModel::kAdam));
  made.accesses = {l1_access(w, true), l1_access(g, false), l1_access(m, true), l1_access(v, true)};
  using Rate = RateArgument::Rate;
  made.rates = {{Rate::kAdamLearningRate, offsetof(etude_adam_args, lr) / 4},
                {Rate::kAdamEpsilon, offsetof(etude_adam_args, epsilon) / 4}};
}

}  // namespace etude
