// SPDX-License-Identifier: Apache-2.0
#include "models/redmule/chain_rows.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define ETUDE_CHAIN __attribute__((target("avx2")))
#define ETUDE_CHAIN_INLINE __attribute__((target("avx2"), always_inline)) inline
#endif

namespace etude::chain {

bool host_has_avx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2");
#else
  return false;
#endif
}

#if defined(__x86_64__)
namespace {

/// Constants of the target format.
struct Target {
  __m256d smallest;  ///< smallest normal number
  __m256d scale;     ///< 3 * 2^(51 - mantissa bits): adding 2^e times this rounds at 2^e's ulp
  __m256d largest;
};

ETUDE_CHAIN_INLINE __m256d step(__m256d x, __m256d w, __m256d acc, const Target& target) {
  const __m256d p = _mm256_mul_pd(x, w);  // exact: at most 48 bits
  const __m256d s = _mm256_add_pd(p, acc);
  const __m256d t = _mm256_sub_pd(s, p);
  const __m256d error = _mm256_add_pd(_mm256_sub_pd(p, _mm256_sub_pd(s, t)), _mm256_sub_pd(acc, t));
  // round to odd: if anything was lost and the last bit is 0, one ulp towards the lost part
  const __m256i bits = _mm256_castpd_si256(s);
  const __m256i one = _mm256_set1_epi64x(1);
  const __m256i even = _mm256_cmpeq_epi64(_mm256_and_si256(bits, one), _mm256_setzero_si256());
  const __m256i lost = _mm256_castpd_si256(_mm256_cmp_pd(error, _mm256_setzero_pd(), _CMP_NEQ_OQ));
  const __m256i opposite = _mm256_cmpgt_epi64(_mm256_setzero_si256(),
                                              _mm256_xor_si256(_mm256_castpd_si256(error), bits));
  const __m256i delta =
      _mm256_and_si256(_mm256_and_si256(lost, even), _mm256_or_si256(opposite, one));
  const __m256d odd = _mm256_castsi256_pd(_mm256_add_epi64(bits, delta));
  // round at the ulp of the target: add and subtract a number whose ulp that is
  const __m256d exponent =
      _mm256_max_pd(_mm256_and_pd(odd, _mm256_castsi256_pd(_mm256_set1_epi64x(0x7ff0000000000000))),
                    target.smallest);
  const __m256d anchor = _mm256_mul_pd(exponent, target.scale);
  const __m256d sign = _mm256_set1_pd(-0.0);
  const __m256d rounded =
      _mm256_or_pd(_mm256_sub_pd(_mm256_add_pd(odd, anchor), anchor), _mm256_and_pd(odd, sign));
  const __m256d magnitude = _mm256_andnot_pd(sign, rounded);
  const __m256d overflow = _mm256_cmp_pd(magnitude, target.largest, _CMP_GT_OQ);
  const __m256d infinity = _mm256_or_pd(_mm256_castsi256_pd(_mm256_set1_epi64x(0x7ff0000000000000)),
                                        _mm256_and_pd(odd, sign));
  const __m256d bounded = _mm256_blendv_pd(rounded, infinity, overflow);
  // infinities and NaN of the sum stay as they are
  const __m256d special = _mm256_cmp_pd(_mm256_sub_pd(s, s), _mm256_setzero_pd(), _CMP_UNORD_Q);
  return _mm256_blendv_pd(bounded, s, special);
}

}  // namespace

ETUDE_CHAIN void fma_row_avx2(const double* x, const double* w, double* acc, std::uint32_t steps,
                              std::uint32_t columns, bool fp32) {
  const Target target{
      _mm256_set1_pd(fp32 ? 0x1p-126 : 0x1p-14),
      _mm256_set1_pd(fp32 ? 3.0 * 0x1p28 : 3.0 * 0x1p41),
      _mm256_set1_pd(fp32 ? 0x1.fffffep127 : 65504.0),
  };
  std::uint32_t c = 0;
  for (; c + 16 <= columns; c += 16) {
    __m256d a0 = _mm256_loadu_pd(acc + c), a1 = _mm256_loadu_pd(acc + c + 4);
    __m256d a2 = _mm256_loadu_pd(acc + c + 8), a3 = _mm256_loadu_pd(acc + c + 12);
    const double* row = w + c;
    for (std::uint32_t n = 0; n < steps; ++n, row += columns) {
      const __m256d factor = _mm256_broadcast_sd(x + n);
      a0 = step(factor, _mm256_loadu_pd(row), a0, target);
      a1 = step(factor, _mm256_loadu_pd(row + 4), a1, target);
      a2 = step(factor, _mm256_loadu_pd(row + 8), a2, target);
      a3 = step(factor, _mm256_loadu_pd(row + 12), a3, target);
    }
    _mm256_storeu_pd(acc + c, a0);
    _mm256_storeu_pd(acc + c + 4, a1);
    _mm256_storeu_pd(acc + c + 8, a2);
    _mm256_storeu_pd(acc + c + 12, a3);
  }
  for (; c < columns; c += 4) {
    __m256d a = _mm256_loadu_pd(acc + c);
    const double* row = w + c;
    for (std::uint32_t n = 0; n < steps; ++n, row += columns) {
      a = step(_mm256_broadcast_sd(x + n), _mm256_loadu_pd(row), a, target);
    }
    _mm256_storeu_pd(acc + c, a);
  }
}
#else
void fma_row_avx2(const double*, const double*, double*, std::uint32_t, std::uint32_t, bool) {}
#endif

}  // namespace etude::chain
