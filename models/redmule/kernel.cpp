// SPDX-License-Identifier: Apache-2.0
// Portable kernels: the definition of RedMulE's arithmetic.
#include "models/redmule/kernel.h"

#include <cmath>

#include "models/redmule/formats.h"

namespace etude::redmule {
namespace {

/// a + b rounded once to binary16: the float sum is rounded to odd, so that the second rounding
/// sees whether anything was lost.
float add_fp16(float a, float b) {
  const float s = a + b;
  const float t = s - a;
  const float error = (a - (s - t)) + (b - t);
  std::uint32_t bits = std::bit_cast<std::uint32_t>(s);
  if (error != 0.0f && (bits & 1u) == 0 && std::isfinite(s)) {
    bits += (error > 0.0f) == (s > 0.0f) ? 1u : ~0u;
  }
  return half_to_float(float_to_half(std::bit_cast<float>(bits)));
}

struct Fp16 {
  static float fma(float x, float w, float acc) { return add_fp16(x * w, acc); }
  static float add(float x, float w) { return add_fp16(x, w); }
  static float mul(float x, float w) { return half_to_float(float_to_half(x * w)); }
};
struct Fp32 {
  static float fma(float x, float w, float acc) { return std::fma(x, w, acc); }
  static float add(float x, float w) { return x + w; }
  static float mul(float x, float w) { return x * w; }
};

/// RISC-V's minimum and maximum: a NaN gives way, -0 < +0.
float minimum(float a, float b) {
  if (std::isnan(a)) {
    return b;
  }
  if (std::isnan(b)) {
    return a;
  }
  return a < b || (a == b && std::signbit(a)) ? a : b;
}
float maximum(float a, float b) {
  if (std::isnan(a)) {
    return b;
  }
  if (std::isnan(b)) {
    return a;
  }
  return a > b || (a == b && !std::signbit(a)) ? a : b;
}

template <class F, TileOp op>
float element(float x, float w, float acc) {
  switch (op) {
    case TileOp::kFma:
      return F::fma(x, w, acc);
    case TileOp::kAddMax:
      return maximum(F::add(x, w), acc);
    case TileOp::kAddMin:
      return minimum(F::add(x, w), acc);
    case TileOp::kMulMax:
      return maximum(F::mul(x, w), acc);
    case TileOp::kMulMin:
      return minimum(F::mul(x, w), acc);
    case TileOp::kMaxMin:
      return minimum(maximum(x, w), acc);
    case TileOp::kMinMax:
      return maximum(minimum(x, w), acc);
  }
  return 0.0f;
}

template <class F, TileOp op>
void scalar(const TileWork& work) {
  for (unsigned r = 0; r < work.rows; ++r) {
    float* acc = work.acc + static_cast<std::size_t>(r) * work.columns;
    const float* x = work.x + static_cast<std::size_t>(r) * work.x_stride;
    for (std::uint32_t n = 0; n < work.steps; ++n) {
      const float* w = work.w + static_cast<std::size_t>(n) * work.columns;
      for (unsigned c = 0; c < work.columns; ++c) {
        acc[c] = element<F, op>(x[n], w[c], acc[c]);
      }
    }
  }
}

template <class F>
TileKernel portable(TileOp op) {
  switch (op) {
    case TileOp::kFma:
      return scalar<F, TileOp::kFma>;
    case TileOp::kAddMax:
      return scalar<F, TileOp::kAddMax>;
    case TileOp::kAddMin:
      return scalar<F, TileOp::kAddMin>;
    case TileOp::kMulMax:
      return scalar<F, TileOp::kMulMax>;
    case TileOp::kMulMin:
      return scalar<F, TileOp::kMulMin>;
    case TileOp::kMaxMin:
      return scalar<F, TileOp::kMaxMin>;
    case TileOp::kMinMax:
      return scalar<F, TileOp::kMinMax>;
  }
  return nullptr;
}

}  // namespace

bool host_has_vectors() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("f16c");
#else
  return false;
#endif
}

TileKernel tile_kernel(TileOp op, bool fp32, bool vectors) {
#if defined(__x86_64__)
  if (vectors && op == TileOp::kFma) {
    return fp32 ? vector::fma_fp32 : vector::fma_fp16;
  }
#endif
  return fp32 ? portable<Fp32>(op) : portable<Fp16>(op);
}

}  // namespace etude::redmule
