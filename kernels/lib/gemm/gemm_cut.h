/* SPDX-License-Identifier: Apache-2.0
 * Cuts C into blocks that fit the registers and gives each worker a contiguous run of them. */
#ifndef ETUDE_GEMM_CUT_H
#define ETUDE_GEMM_CUT_H
#include "kernels/lib/gemm/gemm_run.h"
#include "kernels/lib/support.h"

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

/* The blocks of worker `worker` of `workers`, in runs. Elements have `element` bytes; C has `cols`
 * columns of 4 bytes each: elements, or pairs of them (then B stands as it is). Inlined with its
 * constants. */
static inline __attribute__((always_inline)) void etude_gemm_cut(
    const struct etude_gemm_args* g, uint32_t element, uint32_t cols, uint32_t worker,
    uint32_t workers, void (*gemm_run)(struct etude_gemm_run* run, uint32_t m, uint32_t n)) {
  const uint32_t rows = g->rows, flags = g->flags;
  const struct block block = choose(rows, cols, workers);
  const uint32_t block_rows = ceil_div(rows, block.m);
  const uint32_t block_cols = ceil_div(cols, block.n);
  const struct etude_range share = etude_split(block_rows * block_cols, worker, workers);
  uint32_t left = share.count;
  if (left == 0) {
    return;
  }
  const uint32_t pitch_a = g->pitch_a * element, pitch_b = g->pitch_b * element;
  const uint32_t pitch_c = g->pitch_c * element;
  const uint32_t a_next = flags & ETUDE_GEMM_TRANS_A ? element : pitch_a;
  const uint32_t a_inner = flags & ETUDE_GEMM_TRANS_A ? pitch_a : element;
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
      gemm_run(&run, m, n);
      col += whole * n;
    }
  }
}
#endif
