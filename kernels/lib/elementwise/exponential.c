/* SPDX-License-Identifier: Apache-2.0
 * e^x, its inverse, and what is made of them: softplus, the family of ELU. Results are within 3e-7
 * of themselves, infinities and NaN those of IEEE 754. */
#include "kernels/lib/elementwise/function_rows.h"

static ETUDE_RARE void exponential_row(const float* x, float* y, uint32_t n, const uint32_t* p) {
  ETUDE_EACH_PAIR(x, y, n) {
    const float given[2] = {x[0], x[second]};
    float v[2], shifted[2];
    /* beyond these, the result is infinite or 0 whatever it is */
    ETUDE_BOTH(v[i] = __builtin_fmaxf(__builtin_fminf(given[i], 89.0f), -104.0f))
    etude_exp_reduced(v, shifted);
    /* the power of two in two factors, so that the result may be infinite or denormal */
    ETUDE_BOTH(v[i] = (v[i] + 1.0f) * etude_half_power(shifted[i], 0))
    ETUDE_BOTH(v[i] = v[i] * etude_half_power(shifted[i], 1))
    y[second] = etude_nan_of(given[1], v[1]);
    y[0] = etude_nan_of(given[0], v[0]);
  }
}

static ETUDE_RARE void logarithm_row(const float* x, float* y, uint32_t n, const uint32_t* p) {
  for (; n; n--) {
    *y++ = etude_log_of_any(*x++);
  }
}

static ETUDE_RARE void softplus_row(const float* x, float* y, uint32_t n, const uint32_t* p) {
  ETUDE_EACH_PAIR(x, y, n) {
    const float given[2] = {x[0], x[second]};
    float e[2];
    ETUDE_BOTH(e[i] = etude_from_bits(etude_bits(given[i]) | 0x80000000u))
    etude_exp_both(e);
    for (uint32_t i = 2; i-- > 0;) {
      const float result = (given[i] > 0 ? given[i] : 0.0f) + etude_log_of_one_and(e[i]);
      y[i & second] = etude_nan_of(given[i], result);
    }
  }
}

/* gamma x of positive x, else scale (e^(rate x) - 1) without a difference of two large numbers. */
static ETUDE_RARE void elu_row(const float* x, float* y, uint32_t n, const uint32_t* p) {
  const float gamma = etude_from_bits(p[0]), scale = etude_from_bits(p[1]);
  const float rate = etude_from_bits(p[2]);
  ETUDE_EACH_PAIR(x, y, n) {
    const float given[2] = {x[0], x[second]};
    float q[2], s[2];
    ETUDE_BOTH(q[i] = etude_from_bits(etude_bits(given[i] * rate) | 0x80000000u))
    etude_exp_parts(q, s);
    ETUDE_BOTH(q[i] = etude_fma(s[i], q[i], s[i] - 1.0f) * scale)
    ETUDE_BOTH(q[i] = given[i] > 0 ? given[i] * gamma : q[i])
    y[second] = etude_nan_of(given[1], q[1]);
    y[0] = etude_nan_of(given[0], q[0]);
  }
}

static ETUDE_RARE void elu_slopes(const float* dy, const float* x, float* dx, uint32_t n,
                                  const uint32_t* p) {
  const float gamma = etude_from_bits(p[0]), scale = etude_from_bits(p[1]);
  const float rate = etude_from_bits(p[2]);
  ETUDE_EACH_PAIR(x, dx, n) {
    const float given[2] = {x[0], x[second]}, above[2] = {dy[0], dy[second]};
    float e[2];
    ETUDE_BOTH(e[i] = etude_from_bits(etude_bits(given[i] * rate) | 0x80000000u))
    etude_exp_both(e);
    ETUDE_BOTH(e[i] = (given[i] > 0 ? gamma : e[i] * scale) * above[i])
    dx[second] = etude_nan_of(given[1], e[1]);
    dx[0] = etude_nan_of(given[0], e[0]);
    dy += 2;
  }
}

ETUDE_RARE void etude_exponential(const void* args, uint32_t worker, uint32_t workers) {
  etude_for_function_rows(args, worker, workers, exponential_row);
}

ETUDE_RARE void etude_logarithm(const void* args, uint32_t worker, uint32_t workers) {
  etude_for_function_rows(args, worker, workers, logarithm_row);
}

ETUDE_RARE void etude_softplus(const void* args, uint32_t worker, uint32_t workers) {
  etude_for_function_rows(args, worker, workers, softplus_row);
}

ETUDE_RARE void etude_elu(const void* args, uint32_t worker, uint32_t workers) {
  etude_for_function_rows(args, worker, workers, elu_row);
}

ETUDE_RARE void etude_elu_grad(const void* args, uint32_t worker, uint32_t workers) {
  etude_for_slope_rows(args, worker, workers, elu_slopes);
}
