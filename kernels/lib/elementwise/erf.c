/* SPDX-License-Identifier: Apache-2.0
 * The error function: x P(x^2) up to 1, within 2e-7 of itself; beyond, 1 - 2 q(t)^4 with
 * t = sqrt(2) |x| and q as in gelu_erf.h, within 2e-7. */
#include "kernels/lib/activation/gelu_erf.h"
#include "kernels/lib/elementwise/function_rows.h"

static ETUDE_RARE void erf_row(const float* x, float* y, uint32_t n, const uint32_t* p) {
  for (; n; n--) {
    const float given = *x++;
    const uint32_t distance = etude_bits(given) & 0x7FFFFFFFu;
    const uint32_t sign = etude_bits(given) & 0x80000000u;
    float v;
    if (distance < 0x3F800000u) { /* Remez exchange: 1.3e-9 */
      const float z = given * given;
      v = etude_fma(ETUDE_CONSTANT(0x38A4B519u), z, ETUDE_CONSTANT(0xBA51FB80u));
      v = etude_fma(v, z, ETUDE_CONSTANT(0x3BAA02D9u));
      v = etude_fma(v, z, ETUDE_CONSTANT(0xBCDBFC87u));
      v = etude_fma(v, z, ETUDE_CONSTANT(0x3DE7167Cu));
      v = etude_fma(v, z, ETUDE_CONSTANT(0xBEC0939Fu));
      v = etude_fma(v, z, ETUDE_CONSTANT(0x3F906EBAu));
      *y++ = v * given;
      continue;
    }
    const float far = etude_from_bits(etude_min(distance, 0x40C00000u));
    const float wide = far * ETUDE_CONSTANT(0x3FB504F3u);
    const float t = etude_from_bits(etude_min(etude_bits(wide), ETUDE_GELU_END));
    v = etude_fma(ETUDE_CONSTANT(GELU_Q10), t, ETUDE_CONSTANT(GELU_Q9));
    v = etude_fma(v, t, ETUDE_CONSTANT(GELU_Q8));
    v = etude_fma(v, t, ETUDE_CONSTANT(GELU_Q7));
    v = etude_fma(v, t, ETUDE_CONSTANT(GELU_Q6));
    v = etude_fma(v, t, ETUDE_CONSTANT(GELU_Q5));
    v = etude_fma(v, t, ETUDE_CONSTANT(GELU_Q4));
    v = etude_fma(v, t, ETUDE_CONSTANT(GELU_Q3));
    v = etude_fma(v, t, ETUDE_CONSTANT(GELU_Q2));
    v = etude_fma(v, t, ETUDE_CONSTANT(GELU_Q1));
    v = etude_fma(v, t, ETUDE_CONSTANT(GELU_Q0));
    v = v * v;
    v = etude_fma(v * v, -2.0f, 1.0f);
    *y++ = etude_nan_of(given, etude_from_bits(etude_bits(v) | sign));
  }
}

ETUDE_RARE void etude_erf(const void* args, uint32_t worker, uint32_t workers) {
  etude_for_function_rows(args, worker, workers, erf_row);
}
