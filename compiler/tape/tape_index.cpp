// SPDX-License-Identifier: Apache-2.0
// Kernels on rows that few networks have: tables by index, log softmax, normalisation by the root
// of the mean square.
#include <bit>

#include "compiler/tape/l1_access.h"
#include "compiler/tape/tape.h"

namespace etude::compiler {

namespace {

etude_gather_args gather_args(const L1Matrix& table, const L1Matrix& indices, const L1Matrix& rows,
                              std::uint32_t first) {
  return {.table = table.address.raw(),
          .indices = indices.address.raw(),
          .dst = rows.address.raw(),
          .first = first,
          .count = table.rows,
          .rows = rows.rows,
          .cols = rows.cols,
          .pitch_table = table.pitch,
          .pitch_dst = rows.pitch};
}

}  // namespace

void Tape::gather(const L1Matrix& table, const L1Matrix& indices, const L1Matrix& dst,
                  std::uint32_t first) {
  PlanOp& made = kernel<ETUDE_KERNEL_GATHER>(gather_args(table, indices, dst, first));
  made.accesses = {l1_access(table, false), l1_access(indices, false), l1_access(dst, true)};
}

void Tape::scatter_add(const L1Matrix& src, const L1Matrix& indices, const L1Matrix& table,
                       std::uint32_t first) {
  PlanOp& made = kernel<ETUDE_KERNEL_SCATTER_ADD>(gather_args(table, indices, src, first));
  made.accesses = {l1_access(src, false), l1_access(indices, false), l1_access(table, true)};
}

void Tape::log_softmax(const L1Matrix& x, const L1Matrix& y) {
  PlanOp& made = kernel<ETUDE_KERNEL_LOG_SOFTMAX>({.x = x.address.raw(),
                                                   .y = y.address.raw(),
                                                   .rows = y.rows,
                                                   .cols = y.cols,
                                                   .pitch_x = x.pitch,
                                                   .pitch_y = y.pitch,
                                                   .scale = 0});
  made.accesses = {l1_access(x, false), l1_access(y, true)};
}

void Tape::log_softmax_grad(const L1Matrix& dy, const L1Matrix& y, const L1Matrix& dx) {
  PlanOp& made = kernel<ETUDE_KERNEL_LOG_SOFTMAX_GRAD>({.y = y.address.raw(),
                                                        .dy = dy.address.raw(),
                                                        .dx = dx.address.raw(),
                                                        .rows = dx.rows,
                                                        .cols = dx.cols,
                                                        .pitch_y = y.pitch,
                                                        .pitch_dy = dy.pitch,
                                                        .pitch_dx = dx.pitch,
                                                        .scale = 0});
  made.accesses = {l1_access(y, false), l1_access(dy, false), l1_access(dx, true)};
}

void Tape::rmsnorm(const L1Matrix& x, const L1Matrix& gamma, const L1Matrix& y, float epsilon) {
  PlanOp& made = kernel<ETUDE_KERNEL_RMSNORM>({.x = x.address.raw(),
                                               .y = y.address.raw(),
                                               .gamma = gamma.address.raw(),
                                               .beta = 0,
                                               .stats = 0,
                                               .rows = y.rows,
                                               .cols = y.cols,
                                               .pitch_x = x.pitch,
                                               .pitch_y = y.pitch,
                                               .epsilon = std::bit_cast<std::uint32_t>(epsilon)});
  made.accesses = {l1_access(x, false), l1_access(gamma, false), l1_access(y, true)};
}

void Tape::rmsnorm_stats(const L1Matrix& x, const L1Matrix& stats, float epsilon) {
  PlanOp& made =
      kernel<ETUDE_KERNEL_RMSNORM_STATS>({.x = x.address.raw(),
                                          .stats = stats.address.raw(),
                                          .rows = x.rows,
                                          .cols = x.cols,
                                          .pitch_x = x.pitch,
                                          .epsilon = std::bit_cast<std::uint32_t>(epsilon)});
  made.accesses = {l1_access(x, false), l1_access(stats, true)};
}

void Tape::rmsnorm_grad(const L1Matrix& dy, const L1Matrix& x, const L1Matrix& gamma,
                        const L1Matrix& dx, float epsilon) {
  PlanOp& made =
      kernel<ETUDE_KERNEL_RMSNORM_GRAD>({.x = x.address.raw(),
                                         .dy = dy.address.raw(),
                                         .gamma = gamma.address.raw(),
                                         .stats = 0,
                                         .dx = dx.address.raw(),
                                         .rows = dx.rows,
                                         .cols = dx.cols,
                                         .pitch_x = x.pitch,
                                         .pitch_dy = dy.pitch,
                                         .pitch_dx = dx.pitch,
                                         .epsilon = std::bit_cast<std::uint32_t>(epsilon)});
  made.accesses = {l1_access(x, false), l1_access(dy, false), l1_access(gamma, false),
                   l1_access(dx, true)};
}

}  // namespace etude::compiler
