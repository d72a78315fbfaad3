/* SPDX-License-Identifier: Apache-2.0
 * C = opA(A) opB(B) in binary32. */
#include "kernels/lib/gemm/gemm_cut.h"

#if !ETUDE_ASM
/* What gemm_run.S computes, element by element in the same order. */
void etude_gemm_run(struct etude_gemm_run* run, uint32_t m, uint32_t n) {
  const uint32_t a_inner = run->a_next * (m - 1) + run->a_back;
  const uint32_t b_inner = run->b_next * (n - 1) + run->b_back;
  for (; run->c != run->c_end; run->c += 4 * n) {
    for (uint32_t i = 0; i < m; i++) {
      for (uint32_t j = 0; j < n; j++) {
        float* c = ETUDE_F(run->c + i * run->pitch_c + 4 * j);
        const float* bias = ETUDE_F(run->bias + 4 * j);
        float sum = 0;
        if (run->flags & ETUDE_GEMM_ACCUMULATE) {
          sum = *c;
          if (run->flags & ETUDE_GEMM_BIAS) {
            sum += *bias;
          }
        } else if (run->flags & ETUDE_GEMM_BIAS) {
          sum = *bias;
        }
        for (uint32_t k = 0; k < run->inner; k++) {
          sum = __builtin_fmaf(*ETUDE_F(run->a + i * run->a_next + k * a_inner),
                               *ETUDE_F(run->b + j * run->b_next + k * b_inner), sum);
        }
        *c = run->flags & ETUDE_GEMM_RELU && !(sum > 0) && sum == sum ? 0.0f : sum;
      }
    }
    run->b += run->b_step + run->inner * b_inner;
    run->bias += 4 * n;
  }
}
#endif

void etude_gemm(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_gemm_args* g = args;
  etude_gemm_cut(g, 4, g->cols, worker, workers, etude_gemm_run);
}
