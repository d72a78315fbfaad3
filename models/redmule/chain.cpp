// SPDX-License-Identifier: Apache-2.0
#include "models/redmule/chain.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "models/redmule/chain_rows.h"
#include "models/redmule/redmule_regs.h"

namespace etude {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// A binary floating-point format with IEEE rules.
struct Format {
  int exponent_bits, mantissa_bits;
  int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  int bits() const { return 1 + exponent_bits + mantissa_bits; }
};
constexpr Format kBinary16{5, 10}, kBinary32{8, 23};

double decode(std::uint32_t bits, Format f) {
  const std::uint32_t mantissa = bits & ((1u << f.mantissa_bits) - 1);
  const int exponent = static_cast<int>(bits >> f.mantissa_bits & ((1u << f.exponent_bits) - 1));
  const double sign = (bits >> (f.bits() - 1) & 1u) != 0 ? -1.0 : 1.0;
  if (exponent == (1 << f.exponent_bits) - 1) {
    return mantissa != 0 ? kNan : sign * std::numeric_limits<double>::infinity();
  }
  const double fraction = static_cast<double>(mantissa);
  if (exponent == 0) {
    return sign * std::ldexp(fraction, 1 - f.bias() - f.mantissa_bits);
  }
  return sign * std::ldexp(fraction + std::ldexp(1.0, f.mantissa_bits),
                           exponent - f.bias() - f.mantissa_bits);
}

/// Nearest value of the format, ties to even; the result is exact in double.
double round_to(double value, Format f) {
  if (value == 0.0 || !std::isfinite(value)) {
    return value;
  }
  const int exponent = std::max(std::ilogb(value), 1 - f.bias());
  const double ulp = std::ldexp(1.0, exponent - f.mantissa_bits);
  const double rounded = std::copysign(std::nearbyint(value / ulp) * ulp, value);
  const double limit = std::ldexp(2.0 - std::ldexp(1.0, -f.mantissa_bits), f.bias());
  return std::fabs(rounded) > limit ? std::copysign(std::numeric_limits<double>::infinity(), value)
                                    : rounded;
}

std::uint32_t encode(double value, Format f) {
  const std::uint32_t top = ((1u << f.exponent_bits) - 1) << f.mantissa_bits;
  if (std::isnan(value)) {
    return top | 1u << (f.mantissa_bits - 1);
  }
  const std::uint32_t sign = std::signbit(value) ? 1u << (f.bits() - 1) : 0u;
  value = std::fabs(round_to(value, f));
  if (std::isinf(value)) {
    return sign | top;
  }
  if (value == 0.0) {
    return sign;
  }
  const int exponent = std::max(std::ilogb(value), 1 - f.bias());
  const auto scaled = static_cast<std::uint32_t>(std::ldexp(value, f.mantissa_bits - exponent));
  const bool normal = (scaled >> f.mantissa_bits) != 0;
  return sign | (normal ? static_cast<std::uint32_t>(exponent + f.bias()) << f.mantissa_bits |
                              (scaled & ((1u << f.mantissa_bits) - 1))
                        : scaled);
}

/// a + b rounded once to the format: the double sum is rounded to odd first.
double add_once(double a, double b, Format f) {
  const double s = a + b;
  const double t = s - a;
  const double error = (a - (s - t)) + (b - t);
  auto bits = std::bit_cast<std::uint64_t>(s);
  if (std::isfinite(s) && error != 0.0 && (bits & 1u) == 0) {
    bits = (error > 0.0) == (s > 0.0) ? bits + 1 : bits - 1;
  }
  return round_to(std::bit_cast<double>(bits), f);
}

double lower(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) {
    return std::isnan(a) ? b : a;
  }
  return a < b || (a == b && std::signbit(a)) ? a : b;
}
double higher(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) {
    return std::isnan(a) ? b : a;
  }
  return a > b || (a == b && std::signbit(b)) ? a : b;
}

double apply(std::uint32_t op, double x, double w, double acc, Format f) {
  switch (op) {
    case ETUDE_REDMULE_OP_ADDMAX:
      return higher(add_once(x, w, f), acc);
    case ETUDE_REDMULE_OP_ADDMIN:
      return lower(add_once(x, w, f), acc);
    case ETUDE_REDMULE_OP_MULMAX:
      return higher(round_to(x * w, f), acc);
    case ETUDE_REDMULE_OP_MULMIN:
      return lower(round_to(x * w, f), acc);
    case ETUDE_REDMULE_OP_MAXMIN:
      return lower(higher(x, w), acc);
    case ETUDE_REDMULE_OP_MINMAX:
      return higher(lower(x, w), acc);
    default:
      return add_once(x * w, acc, f);
  }
}

/// Reads and writes elements of a matrix in memory.
class Elements {
 public:
  Elements(const RedmuleConfig& config, std::uint32_t format, std::uint32_t columns)
      : block_(config.columns()), columns_(columns) {
    fp32_ = config.format == RedmuleConfig::Format::kFp32;
    if (fp32_) {
      memory_ = kBinary32;
    } else if (format == ETUDE_REDMULE_FMT_FP8) {
      memory_ = {5, 2};
    } else if (format == ETUDE_REDMULE_FMT_FP8ALT) {
      memory_ = {4, 3};
    } else if (format == ETUDE_REDMULE_FMT_FP16ALT) {
      memory_ = {8, 7};
    } else {
      memory_ = kBinary16;
    }
  }
  Format arithmetic() const { return fp32_ ? kBinary32 : kBinary16; }
  double get(const std::uint8_t* base, std::uint32_t row, std::uint32_t column) const {
    std::uint32_t bits = 0;
    std::memcpy(&bits, base + offset(row, column), width());
    return round_to(decode(bits, memory_), arithmetic());
  }
  void put(std::uint8_t* base, std::uint32_t row, std::uint32_t column, double value) const {
    const std::uint32_t bits = encode(value, memory_);
    std::memcpy(base + offset(row, column), &bits, width());
  }
  /// The cast unit leaves the second half of a block of 8-bit elements empty, and it is stored too.
  void clear_unused(std::uint8_t* base, std::uint32_t row) const {
    for (std::uint32_t column = 0; width() == 1 && column < columns_; column += block_) {
      const std::uint32_t valid = std::min(block_, columns_ - column);
      std::memset(base + offset(row, column) + valid, 0, valid);
    }
  }

 private:
  std::size_t width() const { return static_cast<std::size_t>(memory_.bits()) / 8; }
  std::size_t offset(std::uint32_t row, std::uint32_t column) const {
    const std::size_t element = fp32_ ? 4 : 2;
    const std::size_t start = (static_cast<std::size_t>(row) * columns_ + column / block_ * block_);
    return start * element + column % block_ * width();
  }
  Format memory_ = kBinary16;
  bool fp32_ = false;
  std::uint32_t block_, columns_;
};

void replay(const RedmuleJob& job, const RedmuleConfig& config, const ChainOperands& operands,
            std::uint8_t* z, bool vectors) {
  const Elements xs(config, job.format, job.n), ws(config, job.format, job.k);
  const Format f = ws.arithmetic();
  const std::uint32_t steps = (job.n + config.height - 1) / config.height * config.height;
  const std::uint32_t columns = (job.k + 3) / 4 * 4;
  std::vector<double> w(static_cast<std::size_t>(steps) * columns, 0.0);
  for (std::uint32_t n = 0; n < job.n; ++n) {
    for (std::uint32_t k = 0; k < job.k; ++k) {
      w[static_cast<std::size_t>(n) * columns + k] = ws.get(operands.w, n, k);
    }
  }
  std::vector<double> x(steps, 0.0), acc(columns);
  const bool plain = job.op == ETUDE_REDMULE_OP_MATMUL || job.op == ETUDE_REDMULE_OP_GEMM;
  for (std::uint32_t m = 0; m < job.m; ++m) {
    for (std::uint32_t n = 0; n < job.n; ++n) {
      x[n] = xs.get(operands.x, m, n);
    }
    const bool from_y = operands.y != nullptr && job.op != ETUDE_REDMULE_OP_MATMUL;
    std::fill(acc.begin(), acc.end(), 0.0);
    for (std::uint32_t k = 0; from_y && k < job.k; ++k) {
      acc[k] = ws.get(operands.y, m, k);
    }
    if (vectors && plain) {
      chain::fma_row_avx2(x.data(), w.data(), acc.data(), steps, columns, f.bits() == 32);
    } else {
      for (std::uint32_t n = 0; n < steps; ++n) {
        const double* row = w.data() + static_cast<std::size_t>(n) * columns;
        for (std::uint32_t k = 0; k < job.k; ++k) {
          acc[k] = apply(job.op, x[n], row[k], acc[k], f);
        }
      }
    }
    for (std::uint32_t k = 0; k < job.k; ++k) {
      ws.put(z, m, k, acc[k]);
    }
    ws.clear_unused(z, m);
  }
}

}  // namespace

void replay_chain(const RedmuleJob& job, const RedmuleConfig& config, const ChainOperands& operands,
                  std::uint8_t* z) {
  replay(job, config, operands, z, chain::host_has_avx2());
}

void replay_chain_portable(const RedmuleJob& job, const RedmuleConfig& config,
                           const ChainOperands& operands, std::uint8_t* z) {
  replay(job, config, operands, z, false);
}

}  // namespace etude
