// SPDX-License-Identifier: Apache-2.0
// Kernels that work element by element or row by row.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <stdexcept>

#include "compiler/tape/l1_access.h"
#include "compiler/tape/tape.h"

namespace etude::compiler {

namespace {

std::uint32_t bits(float value) { return std::bit_cast<std::uint32_t>(value); }

/// Parameters as a kernel's last arguments.
template <std::size_t n>
void put(const std::vector<float>& parameters, std::uint32_t (&words)[n]) {
  if (parameters.size() > n) {
    throw std::logic_error("a kernel has no room for that many parameters");
  }
  std::ranges::transform(parameters, words, bits);
}

/// Number of an argument of a word each, by its place in the struct.
constexpr std::uint32_t argument(std::size_t place) {
  return static_cast<std::uint32_t>(place / sizeof(std::uint32_t));
}

}  // namespace

void Tape::binary(etude_kernel number, const L1Matrix& a, const L1Matrix& b, const L1Matrix& c) {
  PlanOp& made = kernel(number, etude_binary_args{.a = a.address.raw(),
                                                  .b = b.address.raw(),
                                                  .c = c.address.raw(),
                                                  .rows = c.rows,
                                                  .cols = c.cols,
                                                  .pitch_a = a.pitch,
                                                  .pitch_b = b.pitch,
                                                  .pitch_c = c.pitch});
  made.accesses = {l1_access(a, false), l1_access(b, false), l1_access(c, true)};
}

void Tape::unary(etude_kernel number, const L1Matrix& x, const L1Matrix& y, float factor) {
  PlanOp& made = kernel(number, etude_unary_args{.x = x.address.raw(),
                                                 .y = y.address.raw(),
                                                 .rows = y.rows,
                                                 .cols = y.cols,
                                                 .pitch_x = x.pitch,
                                                 .pitch_y = y.pitch,
                                                 .scale = bits(factor)});
  made.accesses = {l1_access(x, false), l1_access(y, true)};
}

void Tape::result_grad(etude_kernel number, const L1Matrix& dy, const L1Matrix& y,
                       const L1Matrix& dx) {
  PlanOp& made = kernel(number, etude_result_grad_args{.dy = dy.address.raw(),
                                                       .y = y.address.raw(),
                                                       .dx = dx.address.raw(),
                                                       .rows = dx.rows,
                                                       .cols = dx.cols,
                                                       .pitch_dy = dy.pitch,
                                                       .pitch_y = y.pitch,
                                                       .pitch_dx = dx.pitch});
  made.accesses = {l1_access(dy, false), l1_access(y, false), l1_access(dx, true)};
}

void Tape::function(etude_kernel number, const L1Matrix& x, const L1Matrix& y,
                    const std::vector<float>& parameters) {
  etude_function_args args{.x = x.address.raw(),
                           .y = y.address.raw(),
                           .rows = y.rows,
                           .cols = y.cols,
                           .pitch_x = x.pitch,
                           .pitch_y = y.pitch,
                           .p = {}};
  put(parameters, args.p);
  kernel(number, args).accesses = {l1_access(x, false), l1_access(y, true)};
}

void Tape::function_grad(etude_kernel number, const L1Matrix& dy, const L1Matrix& x,
                         const L1Matrix& dx, const std::vector<float>& parameters) {
  etude_function_grad_args args{.dy = dy.address.raw(),
                                .x = x.address.raw(),
                                .dx = dx.address.raw(),
                                .rows = dx.rows,
                                .cols = dx.cols,
                                .pitch_dy = dy.pitch,
                                .pitch_x = x.pitch,
                                .pitch_dx = dx.pitch,
                                .p = {}};
  put(parameters, args.p);
  kernel(number, args).accesses = {l1_access(dy, false), l1_access(x, false), l1_access(dx, true)};
}

void Tape::maximum_grad(const L1Matrix& dy, const L1Matrix& a, const L1Matrix& b,
                        const L1Matrix& dx) {
  PlanOp& made = kernel<ETUDE_KERNEL_MAXIMUM_GRAD>({.dy = dy.address.raw(),
                                                    .a = a.address.raw(),
                                                    .b = b.address.raw(),
                                                    .dx = dx.address.raw(),
                                                    .rows = dx.rows,
                                                    .cols = dx.cols,
                                                    .pitch_dy = dy.pitch,
                                                    .pitch_a = a.pitch,
                                                    .pitch_b = b.pitch,
                                                    .pitch_dx = dx.pitch});
  made.accesses = {l1_access(dy, false), l1_access(a, false), l1_access(b, false),
                   l1_access(dx, true)};
}

void Tape::gelu(const L1Matrix& x, const L1Matrix& y, std::uint32_t form) {
  PlanOp& made = kernel<ETUDE_KERNEL_GELU>({.x = x.address.raw(),
                                            .y = y.address.raw(),
                                            .bias = 0,
                                            .rows = y.rows,
                                            .cols = y.cols,
                                            .pitch_x = x.pitch,
                                            .pitch_y = y.pitch,
                                            .form = form});
  made.accesses = {l1_access(x, false), l1_access(y, true)};
}

void Tape::gelu_grad(const L1Matrix& dy, const L1Matrix& x, const L1Matrix& dx,
                     std::uint32_t form) {
  PlanOp& made = kernel<ETUDE_KERNEL_GELU_GRAD>({.x = x.address.raw(),
                                                 .dy = dy.address.raw(),
                                                 .dx = dx.address.raw(),
                                                 .bias = 0,
                                                 .rows = dx.rows,
                                                 .cols = dx.cols,
                                                 .pitch_x = x.pitch,
                                                 .pitch_dy = dy.pitch,
                                                 .pitch_dx = dx.pitch,
                                                 .form = form});
  made.accesses = {l1_access(x, false), l1_access(dy, false), l1_access(dx, true)};
}

void Tape::layernorm(const L1Matrix& x, const L1Matrix& gamma, const L1Matrix& beta,
                     const L1Matrix& y, float epsilon) {
  PlanOp& made = kernel<ETUDE_KERNEL_LAYERNORM>({.x = x.address.raw(),
                                                 .y = y.address.raw(),
                                                 .gamma = gamma.address.raw(),
                                                 .beta = beta.address.raw(),
                                                 .stats = 0,
                                                 .rows = y.rows,
                                                 .cols = y.cols,
                                                 .pitch_x = x.pitch,
                                                 .pitch_y = y.pitch,
                                                 .epsilon = bits(epsilon)});
  made.accesses = {l1_access(x, false), l1_access(gamma, false), l1_access(beta, false),
                   l1_access(y, true)};
}

void Tape::layernorm_stats(const L1Matrix& x, const L1Matrix& stats, float epsilon) {
  PlanOp& made = kernel<ETUDE_KERNEL_LAYERNORM_STATS>({.x = x.address.raw(),
                                                       .stats = stats.address.raw(),
                                                       .rows = x.rows,
                                                       .cols = x.cols,
                                                       .pitch_x = x.pitch,
                                                       .epsilon = bits(epsilon)});
  made.accesses = {l1_access(x, false), l1_access(stats, true)};
}

void Tape::layernorm_grad(const L1Matrix& dy, const L1Matrix& x, const L1Matrix& gamma,
                          const L1Matrix* stats, const L1Matrix& dx, float epsilon) {
  PlanOp& made =
      kernel<ETUDE_KERNEL_LAYERNORM_GRAD>({.x = x.address.raw(),
                                           .dy = dy.address.raw(),
                                           .gamma = gamma.address.raw(),
                                           .stats = stats != nullptr ? stats->address.raw() : 0,
                                           .dx = dx.address.raw(),
                                           .rows = dx.rows,
                                           .cols = dx.cols,
                                           .pitch_x = x.pitch,
                                           .pitch_dy = dy.pitch,
                                           .pitch_dx = dx.pitch,
                                           .epsilon = bits(epsilon)});
  made.accesses = {l1_access(x, false), l1_access(dy, false), l1_access(gamma, false),
                   l1_access(dx, true)};
  if (stats != nullptr) {
    made.accesses.push_back(l1_access(*stats, false));
  }
}

void Tape::layernorm_affine_grad(const L1Matrix& dy, const L1Matrix& x, const L1Matrix& stats,
                                 const L1Matrix& dgamma, const L1Matrix& dbeta, bool accumulate) {
  PlanOp& made = kernel<ETUDE_KERNEL_LAYERNORM_AFFINE_GRAD>({.x = x.address.raw(),
                                                             .dy = dy.address.raw(),
                                                             .stats = stats.address.raw(),
                                                             .dgamma = dgamma.address.raw(),
                                                             .dbeta = dbeta.address.raw(),
                                                             .rows = x.rows,
                                                             .cols = x.cols,
                                                             .pitch_x = x.pitch,
                                                             .pitch_dy = dy.pitch,
                                                             .accumulate = accumulate ? 1u : 0u});
  made.accesses = {l1_access(x, false), l1_access(dy, false), l1_access(stats, false),
                   l1_access(dgamma, true), l1_access(dbeta, true)};
}

void Tape::softmax(const L1Matrix& x, const L1Matrix& y, float scale) {
  PlanOp& made = kernel<ETUDE_KERNEL_SOFTMAX>({.x = x.address.raw(),
                                               .y = y.address.raw(),
                                               .rows = y.rows,
                                               .cols = y.cols,
                                               .pitch_x = x.pitch,
                                               .pitch_y = y.pitch,
                                               .scale = bits(scale)});
  made.accesses = {l1_access(x, false), l1_access(y, true)};
}

void Tape::softmax_grad(const L1Matrix& dy, const L1Matrix& y, const L1Matrix& dx, float scale,
                        bool any) {
  const etude_softmax_grad_args args{.y = y.address.raw(),
                                     .dy = dy.address.raw(),
                                     .dx = dx.address.raw(),
                                     .rows = dx.rows,
                                     .cols = dx.cols,
                                     .pitch_y = y.pitch,
                                     .pitch_dy = dy.pitch,
                                     .pitch_dx = dx.pitch,
                                     .scale = bits(scale)};
  PlanOp& made =
      any ? kernel<ETUDE_KERNEL_SOFTMAX_GRAD_ANY>(args) : kernel<ETUDE_KERNEL_SOFTMAX_GRAD>(args);
  made.accesses = {l1_access(y, false), l1_access(dy, false), l1_access(dx, true)};
}

void Tape::cross_entropy(const L1Matrix& x, const L1Matrix& labels, const L1Matrix& log_p,
                         Address loss, float scale_loss) {
  PlanOp& made = kernel<ETUDE_KERNEL_CROSS_ENTROPY>({.x = x.address.raw(),
                                                     .labels = labels.address.raw(),
                                                     .log_p = log_p.address.raw(),
                                                     .dx = 0,
                                                     .loss = loss.raw(),
                                                     .rows = x.rows,
                                                     .cols = x.cols,
                                                     .pitch_x = x.pitch,
                                                     .pitch_log_p = log_p.pitch,
                                                     .pitch_dx = 0,
                                                     .scale_loss = bits(scale_loss),
                                                     .scale_grad = 0});
  made.accesses = {l1_access(x, false), l1_access(labels, false), l1_access(log_p, true),
                   l1_vector(loss, 1, true)};
}

void Tape::cross_entropy_grad(const L1Matrix& log_p, const L1Matrix& labels, const L1Matrix& dx,
                              float scale) {
  PlanOp& made = kernel<ETUDE_KERNEL_CROSS_ENTROPY_GRAD>({.log_p = log_p.address.raw(),
                                                          .labels = labels.address.raw(),
                                                          .dx = dx.address.raw(),
                                                          .rows = dx.rows,
                                                          .cols = dx.cols,
                                                          .pitch_log_p = log_p.pitch,
                                                          .pitch_dx = dx.pitch,
                                                          .scale = bits(scale)});
  made.accesses = {l1_access(log_p, false), l1_access(labels, false), l1_access(dx, true)};
}

void Tape::momentum(const L1Matrix& w, const L1Matrix& g, const L1Matrix& v, float lr, float mu) {
  PlanOp& made = kernel<ETUDE_KERNEL_MOMENTUM>({.w = w.address.raw(),
                                                .g = g.address.raw(),
                                                .v = v.address.raw(),
                                                .rows = w.rows,
                                                .cols = w.cols,
                                                .pitch = w.pitch,
                                                .lr = bits(lr),
                                                .mu = bits(mu)});
  made.accesses = {l1_access(w, true), l1_access(g, false), l1_access(v, true)};
  using Rate = RateArgument::Rate;
  made.rates = {{Rate::kLearningRate, argument(offsetof(etude_momentum_args, lr))},
                {Rate::kMomentum, argument(offsetof(etude_momentum_args, mu))}};
}

void Tape::adam(const L1Matrix& w, const L1Matrix& g, const L1Matrix& m, const L1Matrix& v,
                const AdamRates& rates, float beta1, float beta2) {
  PlanOp& made = kernel<ETUDE_KERNEL_ADAM>({.w = w.address.raw(),
                                            .g = g.address.raw(),
                                            .m = m.address.raw(),
                                            .v = v.address.raw(),
                                            .rows = w.rows,
                                            .cols = w.cols,
                                            .pitch = w.pitch,
                                            .lr = bits(rates.lr),
                                            .beta1 = bits(beta1),
                                            .beta2 = bits(beta2),
                                            .epsilon = bits(rates.epsilon)});
  made.accesses = {l1_access(w, true), l1_access(g, false), l1_access(m, true), l1_access(v, true)};
  using Rate = RateArgument::Rate;
  made.rates = {{Rate::kAdamLearningRate, argument(offsetof(etude_adam_args, lr))},
                {Rate::kAdamEpsilon, argument(offsetof(etude_adam_args, epsilon))}};
}

}  // namespace etude::compiler
