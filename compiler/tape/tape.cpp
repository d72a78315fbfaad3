// SPDX-License-Identifier: Apache-2.0
#include "compiler/tape/tape.h"

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "compiler/tape/l1_access.h"

namespace etude::compiler {

void Tape::transfer(const L1Matrix& l1, const StoredMatrix& l2, bool to_l1) {
  if (l1.type != l2.type) {
    throw std::logic_error("a transfer does not change the type of elements");
  }
  std::uint32_t rows = l1.rows;
  std::uint32_t cols = l1.cols;
  std::uint32_t l1_pitch = rows == 1 ? cols : l1.pitch;
  std::uint32_t l2_pitch = rows == 1 ? cols : l2.pitch;
  if (l1_pitch != cols && l2_pitch != cols) {
    throw std::logic_error("a transfer is strided on one side only");
  }
  if (l1_pitch == cols && l2_pitch == cols) {  // dense on both sides: one row
    cols *= rows;
    rows = 1;
    l1_pitch = l2_pitch = cols;
  }
  const DType type = l1.type;
  const std::uint32_t most_cols = elements_in(longest_transfer_, type);
  const std::uint32_t most_rows = std::max(1u, most_cols / std::max(1u, cols));
  for (std::uint32_t r = 0; r < rows; r += most_rows) {
    const std::uint32_t r_count = std::min(most_rows, rows - r);
    for (std::uint32_t c = 0; c < cols; c += most_cols) {
      const std::uint32_t c_count = std::min(most_cols, cols - c);
      // A piece of a row is dense on both sides.
      const L1Matrix here{l1.address + bytes_for(r * l1_pitch + c, type), r_count, c_count,
                          r_count == 1 ? c_count : l1_pitch, type};
      // In the object, until that has an address.
      const Address there = Address{} + l2.offset + bytes_for(r * l2_pitch + c, type);
      const std::uint32_t there_pitch = (r_count == 1 ? c_count : l2_pitch) * bytes_of(type);
      PlanOp& made = append(Transfer{to_l1, here.address, there, here.row_bytes(), r_count,
                                     here.pitch_bytes(), there_pitch});
      made.accesses = {l1_access(here, to_l1),
                       {!to_l1, Access::Space::kL2, l2.object, there.raw(), r_count,
                        here.row_bytes(), there_pitch}};
      made.cycles = timing_->dma(r_count, bytes_for(c_count, type), to_l1);
    }
  }
}

void Tape::load(const StoredMatrix& from, const L1Matrix& to) { transfer(to, from, true); }
void Tape::store(const L1Matrix& from, const StoredMatrix& to) { transfer(from, to, false); }

void Tape::page(ObjectId from, bool from_external, ObjectId to, Bytes offset, Bytes bytes) {
  const Address place = Address{} + offset;  // in both objects
  const auto size = static_cast<std::uint32_t>(bytes.raw());
  PlanOp& made = append(PageTransfer{place, place, size});
  const auto outside = Access::Space::kExternal;
  const auto l2 = Access::Space::kL2;
  made.accesses = {{false, from_external ? outside : l2, from, place.raw(), 1, size, size},
                   {true, from_external ? l2 : outside, to, place.raw(), 1, size, size}};
  made.cycles = timing_->soc_dma(bytes);
}

void Tape::page_flash(ObjectId from, bool from_flash, ObjectId to, Bytes offset, Bytes bytes) {
  page(from, from_flash, to, offset, bytes);
  ops.back().cycles = timing_->flash(from_flash ? FlashUse::kRead : FlashUse::kProgram, bytes);
}

void Tape::erase_flash(ObjectId object, Bytes bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.raw());
  PlanOp& made = append(FlashErase{Address{}, size});
  made.accesses = {{true, Access::Space::kExternal, object, 0, 1, size, size}};
  made.cycles = timing_->flash(FlashUse::kErase, bytes);
}

void Tape::gemm(const L1Matrix& a, const L1Matrix& b, const L1Matrix& c, std::uint32_t inner,
                Address bias, std::uint32_t flags) {
  PlanOp& made = kernel<ETUDE_KERNEL_GEMM>({.a = a.address.raw(),
                                            .b = b.address.raw(),
                                            .c = c.address.raw(),
                                            .bias = bias.raw(),
                                            .rows = c.rows,
                                            .inner = inner,
                                            .cols = c.cols,
                                            .pitch_a = a.pitch,
                                            .pitch_b = b.pitch,
                                            .pitch_c = c.pitch,
                                            .flags = flags});
  made.accesses = {l1_access(a, false), l1_access(b, false), l1_access(c, true)};
  if ((flags & ETUDE_GEMM_BIAS) != 0) {
    made.accesses.push_back(l1_vector(bias, c.cols, false));
  }
}

void Tape::transpose(const L1Matrix& src, const L1Matrix& dst, const L1Matrix* mask) {
  PlanOp& made = kernel<ETUDE_KERNEL_TRANSPOSE>({.src = src.address.raw(),
                                                 .dst = dst.address.raw(),
                                                 .y = mask != nullptr ? mask->address.raw() : 0,
                                                 .rows = src.rows,
                                                 .cols = src.cols,
                                                 .pitch_src = src.pitch,
                                                 .pitch_dst = dst.pitch,
                                                 .pitch_y = mask != nullptr ? mask->pitch : 0});
  made.accesses = {l1_access(src, false), l1_access(dst, true)};
  if (mask != nullptr) {
    made.accesses.push_back(l1_access(*mask, false));
  }
}

void Tape::relu(const L1Matrix& x) { relu_to(x, x); }

void Tape::relu_to(const L1Matrix& x, const L1Matrix& y) { unary(ETUDE_KERNEL_RELU, x, y); }

void Tape::relu_grad(const L1Matrix& dy, const L1Matrix& y, const L1Matrix& dx) {
  result_grad(ETUDE_KERNEL_RELU_GRAD, dy, y, dx);
}

void Tape::add(const L1Matrix& a, const L1Matrix& b, const L1Matrix& c) {
  binary(ETUDE_KERNEL_ADD, a, b, c);
}

void Tape::copy(const L1Matrix& x, const L1Matrix& y) { unary(ETUDE_KERNEL_COPY, x, y); }

void Tape::add_row(const L1Matrix& x, Address row, const L1Matrix& y) {
  PlanOp& made = kernel<ETUDE_KERNEL_ADD_ROW>({.x = x.address.raw(),
                                               .row = row.raw(),
                                               .y = y.address.raw(),
                                               .rows = x.rows,
                                               .cols = x.cols,
                                               .pitch_x = x.pitch,
                                               .pitch_y = y.pitch});
  made.accesses = {l1_access(x, false), l1_vector(row, x.cols, false), l1_access(y, true)};
}

void Tape::column_sum(const L1Matrix& src, Address dst, bool accumulate) {
  PlanOp& made = kernel<ETUDE_KERNEL_COLUMN_SUM>({.src = src.address.raw(),
                                                  .dst = dst.raw(),
                                                  .rows = src.rows,
                                                  .cols = src.cols,
                                                  .pitch_src = src.pitch,
                                                  .accumulate = accumulate ? 1u : 0u});
  made.accesses = {l1_access(src, false), l1_vector(dst, src.cols, true)};
}

void Tape::broadcast_row(Address row, const L1Matrix& dst) {
  PlanOp& made = kernel<ETUDE_KERNEL_BROADCAST_ROW>({.row = row.raw(),
                                                     .dst = dst.address.raw(),
                                                     .rows = dst.rows,
                                                     .cols = dst.cols,
                                                     .pitch_dst = dst.pitch});
  made.accesses = {l1_vector(row, dst.cols, false), l1_access(dst, true)};
}

void Tape::sgd(const L1Matrix& w, const L1Matrix& g, float lr) {
  PlanOp& made = kernel<ETUDE_KERNEL_SGD>({.w = w.address.raw(),
                                           .g = g.address.raw(),
                                           .rows = w.rows,
                                           .cols = w.cols,
                                           .pitch_w = w.pitch,
                                           .pitch_g = g.pitch,
                                           .lr = std::bit_cast<std::uint32_t>(lr)});
  made.accesses = {l1_access(w, true), l1_access(g, false)};
}

namespace {

etude_mse_args loss_args(const L1Matrix& y, const L1Matrix& t, const L1Matrix& dy, Address loss,
                         float scale_loss, float scale_grad) {
  return {.y = y.address.raw(),
          .t = t.address.raw(),
          .dy = dy.address.raw(),
          .loss = loss.raw(),
          .rows = y.rows,
          .cols = y.cols,
          .pitch_y = y.pitch,
          .pitch_t = t.pitch,
          .pitch_dy = dy.pitch,
          .scale_loss = std::bit_cast<std::uint32_t>(scale_loss),
          .scale_grad = std::bit_cast<std::uint32_t>(scale_grad)};
}

std::vector<Access> loss_accesses(const L1Matrix& y, const L1Matrix& t, const L1Matrix& dy,
                                  Address loss) {
  return {l1_access(y, false), l1_access(t, false), l1_access(dy, true), l1_vector(loss, 1, true)};
}

}  // namespace

void Tape::mse(const L1Matrix& y, const L1Matrix& t, const L1Matrix& dy, Address loss,
               float scale_loss, float scale_grad) {
  PlanOp& made = kernel<ETUDE_KERNEL_MSE>(loss_args(y, t, dy, loss, scale_loss, scale_grad));
  made.accesses = loss_accesses(y, t, dy, loss);
}

void Tape::bce(const L1Matrix& y, const L1Matrix& t, const L1Matrix& dy, Address loss,
               float scale_loss, float scale_grad) {
  PlanOp& made = kernel<ETUDE_KERNEL_BCE>(loss_args(y, t, dy, loss, scale_loss, scale_grad));
  made.accesses = loss_accesses(y, t, dy, loss);
}

void Tape::fill(const L1Matrix& dst, float value) {
  PlanOp& made = kernel<ETUDE_KERNEL_FILL>({.dst = dst.address.raw(),
                                            .rows = dst.rows,
                                            .cols = dst.cols,
                                            .pitch_dst = dst.pitch,
                                            .value = std::bit_cast<std::uint32_t>(value)});
  made.accesses = {l1_access(dst, true)};
}

void Tape::clear(const L1Matrix& dst) {
  if (dst.pitch != dst.cols) {
    throw std::logic_error("only a dense matrix is cleared by words");
  }
  constexpr Bytes kWord = bytes_for(1);
  const std::uint32_t words = elements_in(bytes_for(dst.elements(), dst.type) + kWord - Bytes{1});
  fill({dst.address, 1, words, words}, 0.0f);
}

void Tape::redmule(const L1Matrix& x, const L1Matrix& w, const L1Matrix& z,
                   std::uint32_t stored_rows, bool accumulate) {
  const bool half = x.type == DType::kFloat16;
  if ((!half && x.type != DType::kFloat32) || w.type != x.type || z.type != x.type) {
    throw std::logic_error("RedMulE takes three matrices of FP32 or three of FP16");
  }
  PlanOp& made =
      append(MatrixJob{x.address, w.address, z.address, x.rows, x.cols, w.cols, accumulate, half});
  L1Matrix stored = z;
  stored.rows = stored_rows;
  made.accesses = {l1_access(x, false), l1_access(w, false), l1_access(stored, true)};
  made.cycles = timing_->redmule(x.rows, x.cols, w.cols);
  made.port_share = static_cast<double>(timing_->redmule_beats(x.rows, x.cols, w.cols)) /
                    static_cast<double>(made.cycles.raw());
}

void Tape::convert(const L1Matrix& from, const L1Matrix& to) {
  const bool narrow = from.type == DType::kFloat32 && to.type == DType::kFloat16;
  if (!narrow && !(from.type == DType::kFloat16 && to.type == DType::kFloat32)) {
    throw std::logic_error("only FP32 and FP16 are converted into each other");
  }
  const L1Matrix& whole = narrow ? from : to;  // the other one may have padding
  PlanOp& made = kernel(narrow ? ETUDE_KERNEL_FP32_TO_FP16 : ETUDE_KERNEL_FP16_TO_FP32,
                        etude_convert_args{.src = from.address.raw(),
                                           .dst = to.address.raw(),
                                           .rows = whole.rows,
                                           .cols = whole.cols,
                                           .pitch_src = from.pitch,
                                           .pitch_dst = to.pitch});
  made.accesses = {l1_access(from.slice(0, 0, whole.rows, whole.cols), false),
                   l1_access(to.slice(0, 0, whole.rows, whole.cols), true)};
}

void Tape::decode(const L1Matrix& packed, Address scales, const StoredForm& form,
                  const L1Matrix& to) {
  PlanOp& made = kernel(decode_kernel(form, to.type == DType::kFloat16),
                        etude_decode_args{.src = packed.address.raw(),
                                          .scales = scales.raw(),
                                          .dst = to.address.raw(),
                                          .rows = to.rows,
                                          .cols = to.cols,
                                          .pitch_src = packed.pitch_bytes(),
                                          .pitch_dst = to.pitch,
                                          .flags = form.scale_per_row ? ETUDE_DECODE_ROWS : 0});
  made.accesses = {l1_access(packed, false),
                   l1_vector(scales, form.scale_per_row ? to.rows : to.cols, false),
                   l1_access(to, true)};
}

void Tape::probe(ProbeRequest request) {
  PlanOp& made = append(End{});
  made.probe = static_cast<int>(probes.size());
  made.accesses = {l1_access(request.piece, false)};
  probes.push_back(request);
}

}  // namespace etude::compiler
