// SPDX-License-Identifier: Apache-2.0
#include "models/redmule/datapath.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "models/redmule/formats.h"
#include "models/redmule/redmule_regs.h"

namespace etude {
namespace {

redmule::TileOp tile_op(std::uint32_t op) {
  switch (op) {
    case ETUDE_REDMULE_OP_ADDMAX:
      return redmule::TileOp::kAddMax;
    case ETUDE_REDMULE_OP_ADDMIN:
      return redmule::TileOp::kAddMin;
    case ETUDE_REDMULE_OP_MULMAX:
      return redmule::TileOp::kMulMax;
    case ETUDE_REDMULE_OP_MULMIN:
      return redmule::TileOp::kMulMin;
    case ETUDE_REDMULE_OP_MAXMIN:
      return redmule::TileOp::kMaxMin;
    case ETUDE_REDMULE_OP_MINMAX:
      return redmule::TileOp::kMinMax;
    default:
      return redmule::TileOp::kFma;
  }
}

}  // namespace

RedmuleDatapath::RedmuleDatapath(const RedmuleConfig& config)
    : element_bytes_(config.element_bytes()),
      fp32_(config.format == RedmuleConfig::Format::kFp32),
      vectors_(redmule::host_has_vectors()),
      columns_(config.columns()),
      padded_columns_((config.columns() + 7) / 8 * 8),
      rows_(config.width) {
  result_.resize(static_cast<std::size_t>(rows_) * padded_columns_);
}

void RedmuleDatapath::use_vectors(bool on) { vectors_ = on && redmule::host_has_vectors(); }

void RedmuleDatapath::start(const RedmuleJob& job, const RedmulePlan& plan) {
  job_ = job;
  plan_ = plan;
  if (fp32_) {  // that port has no room for a shifted row: it drops the low address bits
    job_.x &= ~3u;
    job_.w &= ~3u;
    job_.z &= ~3u;
  }
  x_stride_ = job.n * element_bytes_;
  z_stride_ = job.k * element_bytes_;
  x_floats_ = std::max(plan.x_blocks * columns_, plan.w_rows) + 8;
  kernel_ = redmule::tile_kernel(tile_op(job.op), fp32_, vectors_);
  x_ = w_ = y_ = z_ = Cursor{};
  x_.address = job_.x;
  w_.address = job_.w;
  y_.address = z_.address = job_.z;
  computed_ = 0;
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(kSlots, plan.tiles()); ++i) {
    Slot& slot = slots_[i];
    slot.x.resize(static_cast<std::size_t>(rows_) * x_floats_);
    slot.w.resize(static_cast<std::size_t>(plan.w_rows) * padded_columns_);
    slot.y.resize(result_.size());
  }
}

std::uint32_t RedmuleDatapath::rows_of(std::uint32_t row_block) const {
  return row_block + 1 == plan_.row_blocks && plan_.x_rows_left != 0 ? plan_.x_rows_left : rows_;
}

void RedmuleDatapath::unpack(const std::uint8_t* data, unsigned shift, unsigned valid,
                             float* out) const {
  data += shift;
  if (fp32_) {
    unsigned i = 0;
    for (; i + 4 <= valid; i += 4) {
      std::memcpy(out + i, data + i * sizeof(float), 4 * sizeof(float));
    }
    for (; i < valid; ++i) {
      std::memcpy(out + i, data + i * sizeof(float), sizeof(float));
    }
    return;
  }
#if defined(__x86_64__)
  if (vectors_ && job_.format == ETUDE_REDMULE_FMT_FP16 && valid % 8 == 0) {
    redmule::vector::halves_to_floats(data, out, valid);
    return;
  }
#endif
  std::uint16_t halves[256];
  switch (job_.format) {
    case ETUDE_REDMULE_FMT_FP8:
      for (unsigned i = 0; i < valid; ++i) {
        halves[i] = redmule::small_to_half(data[i], 5, 2);
      }
      break;
    case ETUDE_REDMULE_FMT_FP8ALT:
      for (unsigned i = 0; i < valid; ++i) {
        halves[i] = redmule::small_to_half(data[i], 4, 3);
      }
      break;
    case ETUDE_REDMULE_FMT_FP16ALT:
      for (unsigned i = 0; i < valid; ++i) {
        halves[i] = redmule::small_to_half(
            static_cast<std::uint32_t>(data[2 * i] | data[2 * i + 1] << 8), 8, 7);
      }
      break;
    default:
      std::memcpy(halves, data, 2 * valid);
      break;
  }
#if defined(__x86_64__)
  if (vectors_) {
    const unsigned whole = (valid + 7) / 8 * 8;
    float floats[256];
    std::fill(halves + valid, halves + whole, std::uint16_t{0});
    redmule::vector::halves_to_floats(reinterpret_cast<const std::uint8_t*>(halves),
                                      valid == whole ? out : floats, whole);
    if (valid != whole) {
      std::memcpy(out, floats, valid * sizeof(float));
    }
    return;
  }
#endif
  for (unsigned i = 0; i < valid; ++i) {
    out[i] = redmule::half_to_float(halves[i]);
  }
}

void RedmuleDatapath::advance_x() {
  ++x_.number;
  if (++x_.inner < rows_of(x_.row)) {
    x_.address += x_stride_;
    return;
  }
  x_.inner = 0;
  if (++x_.block == plan_.x_blocks) {
    x_.block = 0;
    ++x_.tile;
    if (++x_.column == plan_.column_blocks) {
      x_.column = 0;
      x_.row = x_.row + 1 == plan_.row_blocks ? 0 : x_.row + 1;
    }
  }
  x_.address = job_.x + x_.row * rows_ * x_stride_ + x_.block * columns_ * element_bytes_;
}

void RedmuleDatapath::advance_w() {
  ++w_.number;
  if (++w_.inner < plan_.w_rows) {
    w_.address += z_stride_;
    return;
  }
  w_.inner = 0;
  ++w_.tile;
  w_.column = w_.column + 1 == plan_.column_blocks ? 0 : w_.column + 1;
  w_.address = job_.w + w_.column * columns_ * element_bytes_;
}

void RedmuleDatapath::advance_rows(Cursor& c) {
  ++c.number;
  if (++c.inner < rows_) {
    c.address += z_stride_;
    return;
  }
  c.inner = 0;
  ++c.tile;
  if (++c.column == plan_.column_blocks) {
    c.column = 0;
    c.row = c.row + 1 == plan_.row_blocks ? 0 : c.row + 1;
  }
  c.address = job_.z + c.row * rows_ * z_stride_ + c.column * columns_ * element_bytes_;
}

void RedmuleDatapath::take(RedmuleStream stream, const std::uint8_t* data) {
  // The hardware prefetches past the end of some jobs; those beats carry nothing.
  switch (stream) {
    case RedmuleStream::kX: {
      if (x_.tile < plan_.tiles()) {
        const unsigned left = job_.n - x_.block * columns_;
        const unsigned valid = std::min(left, columns_);
        float* row = slots_[x_.tile % kSlots].x.data() +
                     static_cast<std::size_t>(x_.inner) * x_floats_ + x_.block * columns_;
        unpack(data, x_.address & 3, valid, row);
        std::fill(row + valid, row + columns_, 0.0f);
      }
      advance_x();
      break;
    }
    case RedmuleStream::kW: {
      if (w_.tile < plan_.tiles()) {
        const unsigned left = job_.k - w_.column * columns_;
        float* row = slots_[w_.tile % kSlots].w.data() +
                     static_cast<std::size_t>(w_.inner) * padded_columns_;
        const unsigned valid = w_.inner < job_.n ? std::min(left, columns_) : 0;
        unpack(data, w_.address & 3, valid, row);
        std::fill(row + valid, row + padded_columns_, 0.0f);
      }
      advance_w();
      break;
    }
    case RedmuleStream::kY: {
      if (y_.tile < plan_.tiles()) {
        const unsigned left = job_.k - y_.column * columns_;
        float* row = slots_[y_.tile % kSlots].y.data() +
                     static_cast<std::size_t>(y_.inner) * padded_columns_;
        unpack(data, y_.address & 3, std::min(left, columns_), row);
      }
      advance_rows(y_);
      break;
    }
    default:
      break;
  }
}

bool RedmuleDatapath::z_ready() const {
  return computed_ > z_.tile ||
         (x_.tile > z_.tile && w_.tile > z_.tile && (!plan_.loads_y || y_.tile > z_.tile));
}

void RedmuleDatapath::compute(std::uint64_t tile) {
  Slot& slot = slots_[tile % kSlots];
  if (plan_.loads_y) {
    std::copy(slot.y.begin(), slot.y.end(), result_.begin());
  } else {
    std::fill(result_.begin(), result_.end(), 0.0f);
  }
  const std::uint32_t rows = rows_of(z_.row);
  for (std::uint32_t r = rows; r < rows_; ++r) {  // rows below the matrix: Y goes back
    std::fill_n(slot.x.begin() + static_cast<std::ptrdiff_t>(r) * x_floats_, x_floats_, 0.0f);
  }
  kernel_({.rows = rows_,
           .columns = padded_columns_,
           .steps = plan_.w_rows,
           .x = slot.x.data(),
           .x_stride = x_floats_,
           .w = slot.w.data(),
           .acc = result_.data()});
  computed_ = tile + 1;
}

const std::uint8_t* RedmuleDatapath::z_data(unsigned& first, unsigned& count) {
  if (computed_ == z_.tile) {
    compute(z_.tile);
  }
  const unsigned valid = std::min(job_.k - z_.column * columns_, columns_);
  const unsigned shift = z_.address & 3;
  first = shift;
  count = valid * element_bytes_;
  out_.fill(0);
  std::uint8_t* out = out_.data() + shift;
  const float* row = result_.data() + static_cast<std::size_t>(z_.inner) * padded_columns_;
  if (fp32_) {
    for (unsigned i = 0; i < valid; ++i) {
      const std::uint32_t bits =
          std::isnan(row[i]) ? 0x7fc00000u : std::bit_cast<std::uint32_t>(row[i]);
      std::memcpy(out + 4 * i, &bits, 4);
    }
    return out_.data();
  }
  std::uint16_t halves[256];
#if defined(__x86_64__)
  if (vectors_) {
    redmule::vector::floats_to_halves(row, halves, padded_columns_);
  } else
#endif
  {
    for (unsigned i = 0; i < valid; ++i) {
      halves[i] = redmule::float_to_half(row[i]);
    }
  }
  for (unsigned i = 0; i < valid; ++i) {
    switch (job_.format) {
      case ETUDE_REDMULE_FMT_FP8:
        out[i] = static_cast<std::uint8_t>(redmule::half_to_small(halves[i], 5, 2));
        break;
      case ETUDE_REDMULE_FMT_FP8ALT:
        out[i] = static_cast<std::uint8_t>(redmule::half_to_small(halves[i], 4, 3));
        break;
      case ETUDE_REDMULE_FMT_FP16ALT: {
        const std::uint32_t bits = redmule::half_to_small(halves[i], 8, 7);
        out[2 * i] = static_cast<std::uint8_t>(bits);
        out[2 * i + 1] = static_cast<std::uint8_t>(bits >> 8);
        break;
      }
      default:
        std::memcpy(out + 2 * i, halves + i, 2);
        break;
    }
  }
  return out_.data();
}

void RedmuleDatapath::z_granted() { advance_rows(z_); }

RedmuleStream RedmuleDatapath::next_missing() const {
  if (finished()) {
    return RedmuleStream::kNone;
  }
  if (z_ready()) {
    return RedmuleStream::kZ;
  }
  if (plan_.loads_y && y_.tile <= z_.tile) {
    return RedmuleStream::kY;
  }
  return x_.tile <= z_.tile ? RedmuleStream::kX : RedmuleStream::kW;
}

}  // namespace etude
