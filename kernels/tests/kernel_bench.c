/* SPDX-License-Identifier: Apache-2.0
 * Cycles of the operators beside GEMM on a dense 64x128 matrix in L1 (warm instruction cache), and
 * cycles per element and core: 1.00 is one element per cycle on every core. */
#include "kernels/include/etude_kernels.h"
#include "kernels/lib/kernels.h"
#include "kernels/tests/spmd.h"

#define ROWS 64
#define COLS 128
#define ONE 0x3F800000u

static float a[ROWS * COLS], b[ROWS * COLS], c[ROWS * COLS], v[2 * COLS], loss[4];

typedef void (*kernel)(const void*, uint32_t, uint32_t);

static void measure(const char* name, kernel run, const void* args, uint32_t hart, uint32_t harts) {
  uint32_t cycles = 0;
  for (uint32_t i = hart; i < ROWS * COLS; i += harts) {
    a[i] = (float)(i % 17) * 0.125f - 1.0f;
    b[i] = (float)(i % 13) * 0.125f - 0.5f;
  }
  for (uint32_t pass = 0; pass < 2; pass++) {
    etude_barrier();
    const uint32_t start = cycles_now();
    run(args, hart, harts);
    etude_barrier();
    cycles = cycles_now() - start;
  }
  if (hart == 0) {
    const uint32_t each = cycles * harts / (ROWS * COLS / 100);
    print_text(name);
    print_text(": ");
    print_number(cycles);
    print_text(" cycles, ");
    print_number(each / 100);
    print_text(".");
    print_number(each / 10 % 10);
    print_number(each % 10);
    print_text(" per element and core\n");
  }
}

int test_main(uint32_t hart, uint32_t harts) {
  const uint32_t pa = (uint32_t)(uintptr_t)a, pb = (uint32_t)(uintptr_t)b;
  const uint32_t pc = (uint32_t)(uintptr_t)c, pv = (uint32_t)(uintptr_t)v;
  const uint32_t pl = (uint32_t)(uintptr_t)loss;
#define RUN(name, kernel, ...)                \
  do {                                        \
    const uint32_t args[] = {__VA_ARGS__};    \
    measure(name, kernel, args, hart, harts); \
  } while (0)
  RUN("fill", etude_fill, pc, ROWS, COLS, COLS, ONE);
  RUN("broadcast row", etude_broadcast_row, pv, pc, ROWS, COLS, COLS);
  RUN("copy", etude_copy, pa, pc, ROWS, COLS, COLS, COLS, ONE);
  RUN("scale", etude_scale, pa, pc, ROWS, COLS, COLS, COLS, ONE);
  RUN("relu", etude_relu, pa, pc, ROWS, COLS, COLS, COLS);
  RUN("relu grad", etude_relu_grad, pa, pb, pc, ROWS, COLS, COLS, COLS, COLS);
  RUN("add", etude_add, pa, pb, pc, ROWS, COLS, COLS, COLS, COLS);
  RUN("mul", etude_mul, pa, pb, pc, ROWS, COLS, COLS, COLS, COLS);
  RUN("add row", etude_add_row, pa, pv, pc, ROWS, COLS, COLS, COLS);
  RUN("sgd", etude_sgd, pa, pb, ROWS, COLS, COLS, COLS, ONE);
  RUN("momentum", etude_momentum, pa, pb, pc, ROWS, COLS, COLS, ONE, ONE);
  RUN("mse", etude_mse, pa, pb, pc, pl, ROWS, COLS, COLS, COLS, COLS, ONE, ONE);
  RUN("bce", etude_bce, pa, pb, pc, pl, ROWS, COLS, COLS, COLS, COLS, ONE, ONE);
  RUN("column sum", etude_column_sum, pa, pv, ROWS, COLS, COLS, 0);
  RUN("transpose", etude_transpose, pa, pc, 0, ROWS, COLS, COLS, ROWS, 0);
  RUN("transpose, masked", etude_transpose, pa, pc, pb, ROWS, COLS, COLS, ROWS, COLS);
  RUN("transpose, odd pitch of dst", etude_transpose, pa, pc, 0, ROWS, COLS - 1, COLS, ROWS + 1, 0);
  RUN("fp32 to fp16", etude_fp32_to_fp16, pa, pc, ROWS, COLS, COLS, COLS);
  RUN("fp16 to fp32", etude_fp16_to_fp32, pa, pc, ROWS, COLS, COLS, COLS);
  RUN("layernorm", etude_layernorm, pa, pc, pv, pv + 4 * COLS, 0, ROWS, COLS, COLS, COLS, ONE);
  RUN("layernorm grad", etude_layernorm_grad, pa, pb, pv, 0, pc, ROWS, COLS, COLS, COLS, COLS, ONE);
  RUN("layernorm stats", etude_layernorm_stats, pa, pv, ROWS, COLS, COLS, ONE);
  RUN("layernorm affine grad", etude_layernorm_affine_grad, pa, pb, pv, pc, pc + 4 * COLS, ROWS,
      COLS, COLS, COLS, 0);
  RUN("softmax", etude_softmax, pa, pc, ROWS, COLS, COLS, COLS, ONE);
  RUN("softmax grad", etude_softmax_grad, pa, pb, pc, ROWS, COLS, COLS, COLS, COLS, ONE);
  RUN("softmax grad any", etude_softmax_grad_any, pa, pb, pc, ROWS, COLS, COLS, COLS, COLS, ONE);
  RUN("gelu (erf)", etude_gelu, pa, pc, 0, ROWS, COLS, COLS, COLS, 0);
  RUN("gelu grad (erf)", etude_gelu_grad, pa, pb, pc, 0, ROWS, COLS, COLS, COLS, COLS, 0);
  RUN("sigmoid", etude_sigmoid, pa, pc, ROWS, COLS, COLS, COLS);
  RUN("sigmoid grad", etude_sigmoid_grad, pa, pb, pc, ROWS, COLS, COLS, COLS, COLS);
  RUN("tanh", etude_tanh, pa, pc, ROWS, COLS, COLS, COLS);
  RUN("tanh grad", etude_tanh_grad, pa, pb, pc, ROWS, COLS, COLS, COLS, COLS);
  /* 8 images of 32x32 are 8192 pixels too; per pixel of the image */
  RUN("maxpool 3x3 stride 2", etude_maxpool, pa, pc, 8, 32, 32, 1024, 3 << 16 | 3, 2 << 16 | 2,
      1 << 16 | 1, 16, 16, 256, 0);
  RUN("maxpool grad 3x3 stride 2", etude_maxpool_grad, pb, pc, 8, 32, 32, 1024, 3 << 16 | 3,
      2 << 16 | 2, 1 << 16 | 1, 16, 16, 256, pa);
  /* 100 x 81 entries */
  RUN("im2col 3x3", etude_im2col, pa, pc, 9, 10, 10, 100, 3 << 16 | 3, 1 << 16 | 1, 1 << 16 | 1, 10,
      10, 100, 0);
  RUN("col2im 3x3", etude_col2im, pa, pc, 9, 10, 10, 100, 3 << 16 | 3, 1 << 16 | 1, 1 << 16 | 1, 10,
      10, 100, 0);
  return 0;
}
