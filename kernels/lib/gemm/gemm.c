/* SPDX-License-Identifier: Apache-2.0
 * C = opA(A) opB(B): cuts C into blocks that fit the registers and gives each worker a contiguous
 * run of them. */
#include "kernels/lib/gemm/gemm_run.h"
#include "kernels/lib/support.h"

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

struct block {
  uint32_t m, n;
};

/* x / d rounded up, d 1..4, exact for x < 16384. */
static inline uint32_t ceil_div(uint32_t x, uint32_t d) {
  return d == 3 ? (x + 2) * 43691u >> 17 : (x + d - 1) >> (d >> 1);
}

/* Large blocks need fewer loads; small ones spread a small C over all workers. Cycles of one inner
 * index of the busiest worker decide. */
static struct block choose(uint32_t rows, uint32_t cols, uint32_t workers) {
  struct block best = {4, 4};
  if (((rows + 3) >> 2) * ((cols + 3) >> 2) >= 8 * workers) {
    return best;
  }
  const uint32_t reciprocal = 65536 / workers + 1; /* exact below for the few blocks there are */
  uint32_t least = ~0u;
  for (uint32_t m = etude_min(rows, 4); m; m--) {
    const uint32_t block_rows = ceil_div(rows, m);
    for (uint32_t n = etude_min(cols, 4); n; n--) {
      const uint32_t blocks = block_rows * ceil_div(cols, n);
      const uint32_t each = ((blocks + workers - 1) * reciprocal) >> 16;
      const uint32_t cost = each * (m * n + m + n);
      if (cost < least) {
        least = cost;
        best.m = m;
        best.n = n;
      }
    }
  }
  return best;
}

void etude_gemm(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_gemm_args* g = args;
  const uint32_t rows = g->rows, cols = g->cols, flags = g->flags;
  const struct block block = choose(rows, cols, workers);
  const uint32_t block_rows = ceil_div(rows, block.m);
  const uint32_t block_cols = ceil_div(cols, block.n);
  const struct etude_range share = etude_split(block_rows * block_cols, worker, workers);
  uint32_t left = share.count;
  if (left == 0) {
    return;
  }
  const uint32_t pitch_a = g->pitch_a * 4, pitch_b = g->pitch_b * 4, pitch_c = g->pitch_c * 4;
  const uint32_t a_next = flags & ETUDE_GEMM_TRANS_A ? 4 : pitch_a;
  const uint32_t a_inner = flags & ETUDE_GEMM_TRANS_A ? pitch_a : 4;
  const uint32_t b_next = flags & ETUDE_GEMM_TRANS_B ? pitch_b : 4;
  const uint32_t b_inner = flags & ETUDE_GEMM_TRANS_B ? 4 : pitch_b;
  uint32_t block_row = share.begin / block_cols;
  uint32_t block_col = share.begin - block_row * block_cols;

  struct etude_gemm_run run;
  run.a_next = a_next;
  run.b_next = b_next;
  run.pitch_c = pitch_c;
  run.inner = g->inner;
  run.flags = flags;
  while (left) {
    const uint32_t row = block_row * block.m;
    uint32_t col = block_col * block.n;
    uint32_t count = etude_min(left, block_cols - block_col);
    left -= count;
    block_row++;
    block_col = 0;
    const uint32_t m = etude_min(block.m, rows - row);
    run.a = g->a + row * a_next;
    run.a_back = a_inner - (m - 1) * a_next;
    /* whole blocks, then perhaps a narrow one */
    const uint32_t whole = etude_min(count, (cols - col) / block.n);
    for (int narrow = 0; narrow < 2; narrow++) {
      const uint32_t blocks = narrow ? count - whole : whole;
      if (blocks == 0) {
        continue;
      }
      const uint32_t n = narrow ? cols - col : block.n;
      run.b = g->b + col * b_next;
      run.b_back = b_inner - (n - 1) * b_next;
      run.b_step = n * b_next - g->inner * b_inner;
      run.c = g->c + row * pitch_c + col * 4;
      run.c_end = run.c + blocks * n * 4;
      run.bias = g->bias + col * 4;
      etude_gemm_run(&run, m, n);
      col += whole * n;
    }
  }
}
