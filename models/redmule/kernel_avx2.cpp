// SPDX-License-Identifier: Apache-2.0
// Vector kernels: the same bits as the portable ones, eight columns at a time. Compiled for the
// base ISA with per-function targets; the caller has asked the host first.
#include "models/redmule/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define ETUDE_VECTOR __attribute__((target("avx2,fma,f16c")))
#define ETUDE_VECTOR_INLINE __attribute__((target("avx2,fma,f16c"), always_inline)) inline

namespace etude::redmule::vector {
namespace {

/// x * w + acc rounded once to binary16, for every input: product exact, sum rounded to odd.
ETUDE_VECTOR __attribute__((noinline)) __m256 fma_half_exact(__m256 x, __m256 w, __m256 acc) {
  const __m256 p = _mm256_mul_ps(x, w);
  const __m256 s = _mm256_add_ps(p, acc);
  const __m256 t = _mm256_sub_ps(s, p);
  const __m256 error = _mm256_add_ps(_mm256_sub_ps(p, _mm256_sub_ps(s, t)), _mm256_sub_ps(acc, t));
  const __m256i bits = _mm256_castps_si256(s);
  const __m256i one = _mm256_set1_epi32(1);
  const __m256i exponent = _mm256_set1_epi32(0x7f800000);
  const __m256i infinite = _mm256_cmpeq_epi32(_mm256_and_si256(bits, exponent), exponent);
  const __m256i even = _mm256_cmpeq_epi32(_mm256_and_si256(bits, one), _mm256_setzero_si256());
  const __m256i lost = _mm256_castps_si256(_mm256_cmp_ps(error, _mm256_setzero_ps(), _CMP_NEQ_OQ));
  const __m256i adjust = _mm256_andnot_si256(infinite, _mm256_and_si256(lost, even));
  // towards the error: away from zero if the signs agree (+1), else towards zero (-1)
  const __m256i opposite =
      _mm256_srai_epi32(_mm256_xor_si256(_mm256_castps_si256(error), bits), 31);  // 0 or -1
  const __m256i step = _mm256_or_si256(opposite, one);
  const __m256i odd = _mm256_add_epi32(bits, _mm256_and_si256(adjust, step));
  return _mm256_cvtph_ps(_mm256_cvtps_ph(_mm256_castsi256_ps(odd), _MM_FROUND_TO_NEAREST_INT));
}

/// Lanes in which rounding the float sum `s` again could differ from rounding once: `s` is a tie of
/// binary16 (13 low bits = 1000000000000), or small enough to be denormal there.
ETUDE_VECTOR_INLINE __m256i doubtful(__m256 s) {
  const __m256i bits = _mm256_castps_si256(s);
  const __m256i tie = _mm256_cmpeq_epi32(_mm256_and_si256(bits, _mm256_set1_epi32(0x1fff)),
                                         _mm256_set1_epi32(0x1000));
  // unsigned (2|s| - 1) < 2 * 2^-14 as a signed comparison; zero wraps around and is not small
  const __m256i magnitude =
      _mm256_add_epi32(_mm256_slli_epi32(bits, 1), _mm256_set1_epi32(0x7fffffff));
  const __m256i small = _mm256_cmpgt_epi32(
      _mm256_set1_epi32(static_cast<int>(((0x38800000u << 1) - 1u) ^ 0x80000000u)), magnitude);
  return _mm256_or_si256(tie, small);
}

ETUDE_VECTOR_INLINE __m256 to_half(__m256 s) {
  return _mm256_cvtph_ps(_mm256_cvtps_ph(s, _MM_FROUND_TO_NEAREST_INT));
}

/// `R` rows of 8 * V columns.
template <unsigned R, unsigned V>
ETUDE_VECTOR_INLINE void fma_fp16_block(const TileWork& work, unsigned row, unsigned column) {
  __m256 acc[R][V];
  const float* x[R];
#pragma GCC unroll 8
  for (unsigned r = 0; r < R; ++r) {
    x[r] = work.x + static_cast<std::size_t>(row + r) * work.x_stride;
#pragma GCC unroll 8
    for (unsigned v = 0; v < V; ++v) {
      acc[r][v] = _mm256_loadu_ps(work.acc + static_cast<std::size_t>(row + r) * work.columns +
                                  column + 8 * v);
    }
  }
  const float* w = work.w + column;
  for (std::uint32_t n = 0; n < work.steps; ++n, w += work.columns) {
    __m256 weight[V];
#pragma GCC unroll 8
    for (unsigned v = 0; v < V; ++v) {
      weight[v] = _mm256_loadu_ps(w + 8 * v);
    }
#pragma GCC unroll 8
    for (unsigned r = 0; r < R; ++r) {
      const __m256 factor = _mm256_broadcast_ss(x[r] + n);
      __m256 sum[V];
      __m256i doubt = _mm256_setzero_si256();
#pragma GCC unroll 8
      for (unsigned v = 0; v < V; ++v) {
        sum[v] = _mm256_fmadd_ps(factor, weight[v], acc[r][v]);
        doubt = _mm256_or_si256(doubt, doubtful(sum[v]));
      }
      if (__builtin_expect(_mm256_testz_si256(doubt, doubt) != 0, 1)) {
#pragma GCC unroll 8
        for (unsigned v = 0; v < V; ++v) {
          acc[r][v] = to_half(sum[v]);
        }
      } else {
#pragma GCC unroll 8
        for (unsigned v = 0; v < V; ++v) {
          acc[r][v] = fma_half_exact(factor, weight[v], acc[r][v]);
        }
      }
    }
  }
#pragma GCC unroll 8
  for (unsigned r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (unsigned v = 0; v < V; ++v) {
      _mm256_storeu_ps(work.acc + static_cast<std::size_t>(row + r) * work.columns + column + 8 * v,
                       acc[r][v]);
    }
  }
}

template <unsigned R, unsigned V>
ETUDE_VECTOR_INLINE void fma_fp32_block(const TileWork& work, unsigned row, unsigned column) {
  __m256 acc[R][V];
  const float* x[R];
#pragma GCC unroll 8
  for (unsigned r = 0; r < R; ++r) {
    x[r] = work.x + static_cast<std::size_t>(row + r) * work.x_stride;
#pragma GCC unroll 8
    for (unsigned v = 0; v < V; ++v) {
      acc[r][v] = _mm256_loadu_ps(work.acc + static_cast<std::size_t>(row + r) * work.columns +
                                  column + 8 * v);
    }
  }
  const float* w = work.w + column;
  for (std::uint32_t n = 0; n < work.steps; ++n, w += work.columns) {
    __m256 weight[V];
#pragma GCC unroll 8
    for (unsigned v = 0; v < V; ++v) {
      weight[v] = _mm256_loadu_ps(w + 8 * v);
    }
#pragma GCC unroll 8
    for (unsigned r = 0; r < R; ++r) {
      const __m256 factor = _mm256_broadcast_ss(x[r] + n);
#pragma GCC unroll 8
      for (unsigned v = 0; v < V; ++v) {
        acc[r][v] = _mm256_fmadd_ps(factor, weight[v], acc[r][v]);
      }
    }
  }
#pragma GCC unroll 8
  for (unsigned r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (unsigned v = 0; v < V; ++v) {
      _mm256_storeu_ps(work.acc + static_cast<std::size_t>(row + r) * work.columns + column + 8 * v,
                       acc[r][v]);
    }
  }
}

template <unsigned V, bool kFp32>
ETUDE_VECTOR_INLINE void columns(const TileWork& work, unsigned column) {
  unsigned row = 0;
  for (; row + 6 <= work.rows; row += 6) {
    if constexpr (kFp32) {
      fma_fp32_block<6, V>(work, row, column);
    } else {
      fma_fp16_block<6, V>(work, row, column);
    }
  }
  for (; row + 2 <= work.rows; row += 2) {
    if constexpr (kFp32) {
      fma_fp32_block<2, V>(work, row, column);
    } else {
      fma_fp16_block<2, V>(work, row, column);
    }
  }
  for (; row < work.rows; ++row) {
    if constexpr (kFp32) {
      fma_fp32_block<1, V>(work, row, column);
    } else {
      fma_fp16_block<1, V>(work, row, column);
    }
  }
}

}  // namespace

ETUDE_VECTOR void fma_fp16(const TileWork& work) {
  unsigned column = 0;
  for (; column + 16 <= work.columns; column += 16) {
    columns<2, false>(work, column);
  }
  for (; column < work.columns; column += 8) {
    columns<1, false>(work, column);
  }
}

ETUDE_VECTOR void fma_fp32(const TileWork& work) {
  unsigned column = 0;
  for (; column + 16 <= work.columns; column += 16) {
    columns<2, true>(work, column);
  }
  for (; column < work.columns; column += 8) {
    columns<1, true>(work, column);
  }
}

ETUDE_VECTOR void halves_to_floats(const std::uint8_t* in, float* out, unsigned n) {
  for (unsigned i = 0; i < n; i += 8) {
    _mm256_storeu_ps(
        out + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in + 2 * i))));
  }
}

ETUDE_VECTOR void floats_to_halves(const float* in, std::uint16_t* out, unsigned n) {
  for (unsigned i = 0; i < n; i += 8) {
    const __m256 value = _mm256_loadu_ps(in + i);
    const __m256 nan = _mm256_cmp_ps(value, value, _CMP_UNORD_Q);
    const __m256 canonical = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000));
    _mm_storeu_si128(
        reinterpret_cast<__m128i*>(out + i),
        _mm256_cvtps_ph(_mm256_blendv_ps(value, canonical, nan), _MM_FROUND_TO_NEAREST_INT));
  }
}

}  // namespace etude::redmule::vector
#endif
