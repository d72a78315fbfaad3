/* SPDX-License-Identifier: Apache-2.0
 * What a kernel takes of the workers' time, over a handful of sizes: one line
 *
 *   name rows cols inner: hot warm
 *
 * a size, extents as in etude_kernel_extents.h. The last hart is the controller: it posts kernels
 * ahead, as the runtime's interpreter does, and the cycles are those from the end of the one before
 * to the end of this one, so that dispatch, arguments and barrier are in them. `hot`: the one
 * before was the same; `warm`: another kernel has used the cores' private instruction caches. */
#include "kernels/include/etude_check.h"
#include "kernels/include/etude_kernel_extents.h"
#include "kernels/lib/kernels.h"
#include "kernels/lib/support.h"
#include "kernels/runtime/runtime.h"
#include "kernels/tests/spmd.h"

#define WORDS 16384u /* of each of three buffers */
#define ONE 0x3F800000u
#define SMALL 0x3727C5ACu /* 1e-5 */

static float a[WORDS], b[WORDS], c[WORDS];
static float vectors[8 * 520];
static uint32_t labels[256];
/* Arguments of the kernel under test and of the other one. Not zero, so that they stand before the
 * buffers: a dispatched word has 16 bits for their offset in L1. */
static uint32_t words[2][13] = {{1}};
static volatile uint32_t done, ended;
static uint32_t workers;

ETUDE_CHECK_FLAG_OBJECT(done, 4);
ETUDE_CHECK_FLAG_OBJECT(ended, 4);

typedef void (*kernel_function)(const void*, uint32_t, uint32_t);
/* Where a kernel begins behind the boot block. So many bytes that the buffers stand where they
 * stood when a kernel is added: their banks are part of what is measured. */
static uint16_t entry[186];
_Static_assert(ETUDE_KERNELS <= sizeof entry / sizeof entry[0], "more entries move the buffers");

static uint32_t at(const void* p) { return (uint32_t)(uintptr_t)p; }

static uint32_t vector(uint32_t i) { return at(vectors + 520 * i); }

static void work(uint32_t worker) {
  for (;;) {
    etude_write(ETUDE_EU_MASK, 1u << ETUDE_EVENT_DISPATCH);
    const uint32_t word = etude_blocking_load(ETUDE_EU_DISPATCH_FIFO);
    const kernel_function kernel = (kernel_function)(ETUDE_BOOT_ADDRESS + (word & 0xFFFFu));
    kernel((const void*)(uintptr_t)(ETUDE_L1_BASE + (word >> 16)), worker, workers);
    etude_barrier();
    if (worker == 0) {
      ended = cycles_now();
      done++;
      etude_write(ETUDE_EU_SW_TRIGGER + 4 * ETUDE_SW_EVENT_KERNEL_DONE, 1u << workers);
    }
  }
}

static void post(uint32_t kernel, uint32_t which) {
  etude_write(ETUDE_EU_DISPATCH_FIFO, (at(words[which]) - ETUDE_L1_BASE) << 16 | entry[kernel]);
}

static uint32_t end_of(uint32_t number) {
  while (done < number) { /* asleep: who polls takes banks from the workers */
    etude_sleep(1u << ETUDE_SW_EVENT_KERNEL_DONE);
  }
  return ended;
}

/* Cycles of the kernel under test behind `before`, both posted ahead. */
static uint32_t behind(uint32_t before, uint32_t which, uint32_t kernel) {
  const uint32_t first = done;
  post(before, which);
  post(kernel, 0);
  const uint32_t start = end_of(first + 1);
  return end_of(first + 2) - start;
}

/* What grows with the number of kernels lies behind them, so that these lie where they lay. */
#define BEHIND static __attribute__((section(".rare_tests"), noinline))

BEHIND void measure(uint32_t kernel, const uint32_t* args) {
  for (uint32_t i = 0; i < 13; i++) {
    words[0][i] = args[i];
  }
  (void)behind(kernel, 0, kernel);
  const uint32_t hot = behind(kernel, 0, kernel);
  const uint32_t warm = behind(ETUDE_KERNEL_SOFTMAX, 1, kernel);
  const struct etude_extents extents = etude_kernel_extents(kernel, words[0]);
  print_text(etude_kernel_name(kernel));
  print_text(" ");
  print_number(extents.rows);
  print_text(" ");
  print_number(extents.cols);
  print_text(" ");
  print_number(extents.inner);
  print_text(": ");
  print_number(hot);
  print_text(" ");
  print_number(warm);
  print_text("\n");
}

#define RUN(kernel, ...)                      \
  do {                                        \
    const uint32_t args_[13] = {__VA_ARGS__}; \
    measure(ETUDE_KERNEL_##kernel, args_);    \
  } while (0)

/* rows, columns; pitches are odd, so that rows start at different banks, or those of a dense one */
static const struct {
  uint16_t rows, cols, dense;
} sizes[] = {{8, 16, 0},  {4, 128, 0},  {24, 60, 0},  {32, 33, 0},   {64, 8, 0},
             {64, 64, 0}, {13, 300, 0}, {64, 128, 0}, {100, 100, 0}, {8, 64, 1},
             {32, 64, 1}, {64, 128, 1}, {24, 512, 1}};

BEHIND void elementwise(void) {
  for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    const uint32_t r = sizes[i].rows, n = sizes[i].cols, p = sizes[i].dense ? n : n | 1;
    const uint32_t x = at(a), y = at(b), z = at(c);
    RUN(FILL, z, r, n, p, ONE);
    RUN(COPY, x, z, r, n, p, p, ONE);
    RUN(SCALE, x, z, r, n, p, p, ONE);
    RUN(RELU, x, z, r, n, p, p);
    RUN(RELU6, x, z, r, n, p, p);
    RUN(SIGMOID, x, z, r, n, p, p);
    RUN(TANH, x, z, r, n, p, p);
    RUN(RELU_GRAD, x, y, z, r, n, p, p, p);
    RUN(RELU6_GRAD, x, y, z, r, n, p, p, p);
    RUN(SIGMOID_GRAD, x, y, z, r, n, p, p, p);
    RUN(TANH_GRAD, x, y, z, r, n, p, p, p);
    RUN(ADD, x, y, z, r, n, p, p, p);
    RUN(SUB, x, y, z, r, n, p, p, p);
    RUN(MUL, x, y, z, r, n, p, p, p);
    RUN(DIV, x, y, z, r, n, p, p, p);
    RUN(SGD, z, y, r, n, p, p, SMALL);
    RUN(MOMENTUM, z, y, x, r, n, p, SMALL, SMALL);
    RUN(FP32_TO_FP16, x, z, r, n, p, p);
    RUN(FP16_TO_FP32, x, z, r, n, p, p);
    RUN(MSE, x, y, z, vector(7), r, n, p, p, p, ONE, ONE);
    RUN(BCE, x, y, z, vector(7), r, n, p, p, p, ONE, ONE);
    RUN(GELU, x, z, 0, r, n, p, p, 0);
    RUN(GELU_GRAD, x, y, z, 0, r, n, p, p, p, 0);
    if (r * p <= 8192) {
      RUN(ADAM, z, y, x, z + 4 * 8192, r, n, p, SMALL, SMALL, SMALL, SMALL);
    }
    RUN(BROADCAST_ROW, vector(0), z, r, n, p);
    RUN(ADD_ROW, x, vector(0), z, r, n, p, p);
    RUN(TRANSPOSE, x, z, 0, r, n, p, sizes[i].dense ? r : r | 1, 0);
    RUN(COLUMN_SUM, x, vector(0), r, n, p, 0);
    RUN(ROW_SUM, x, vector(0), r, n, p, 0);
    RUN(AFFINE_ROWS, x, z, vector(0), vector(1), r, n, p, p, r, 1);
    RUN(AFFINE_PAIR, x, y, z, vector(0), vector(1), vector(2), r, n, r);
    RUN(AFFINE_MASK, x, y, z, vector(0), vector(1), r, n, r);
  }
}

/* Functions of one element. */
BEHIND void functions(void) {
  for (uint32_t i = 0; i < WORDS; i++) { /* where activations are: both sides of what branches */
    a[i] = (float)(i % 17) * 0.375f - 3.0f;
    b[i] = (float)(i % 13) * 0.125f + 0.25f;
  }
  for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    const uint32_t r = sizes[i].rows, n = sizes[i].cols, p = sizes[i].dense ? n : n | 1;
    const uint32_t x = at(a), y = at(b), z = at(c);
    RUN(PIECEWISE, x, z, r, n, p, p, 0, ONE, SMALL, SMALL, ONE, SMALL);
    RUN(PIECEWISE_GRAD, x, y, z, r, n, p, p, p, 0, ONE, SMALL, SMALL, ONE);
    RUN(ELU, x, z, r, n, p, p, ONE, ONE, ONE);
    RUN(ELU_GRAD, x, y, z, r, n, p, p, p, ONE, ONE, ONE);
    RUN(EXPONENTIAL, x, z, r, n, p, p);
    RUN(LOGARITHM, y, z, r, n, p, p);
    RUN(SOFTPLUS, x, z, r, n, p, p);
    RUN(ERF, x, z, r, n, p, p);
    RUN(SQUARE_ROOT, y, z, r, n, p, p);
    RUN(RECIPROCAL, x, z, r, n, p, p);
    RUN(POWER, x, z, r, n, p, p, 0x40400000u);
    RUN(SINE, x, z, r, n, p, p);
    RUN(COSINE, x, z, r, n, p, p);
    RUN(MAXIMUM, x, y, z, r, n, p, p, p);
    RUN(MINIMUM, x, y, z, r, n, p, p, p);
    RUN(MAXIMUM_GRAD, x, y, z, z, r, n, p, p, p, p);
  }
}

BEHIND void rows(void) {
  for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    const uint32_t r = sizes[i].rows, n = sizes[i].cols, p = sizes[i].dense ? n : n | 1;
    const uint32_t x = at(a), y = at(b), z = at(c);
    RUN(LAYERNORM, x, z, vector(0), vector(1), 0, r, n, p, p, SMALL);
    RUN(LAYERNORM_GRAD, x, y, vector(0), 0, z, r, n, p, p, p, SMALL);
    RUN(LAYERNORM_STATS, x, vector(2), r, n, p, SMALL);
    RUN(LAYERNORM_AFFINE_GRAD, x, y, vector(2), vector(4), vector(6), r, n, p, p, 0);
    RUN(SOFTMAX, x, z, r, n, p, p, ONE);
    RUN(SOFTMAX_GRAD, x, y, z, r, n, p, p, p, ONE);
    RUN(SOFTMAX_GRAD_ANY, x, y, z, r, n, p, p, p, ONE);
    RUN(CROSS_ENTROPY, x, at(labels), z, 0, vector(7), r, n, p, p, 0, ONE, 0);
    RUN(CROSS_ENTROPY_GRAD, x, at(labels), z, r, n, p, p, ONE);
    RUN(GATHER, x, at(labels), z, 0, 5, r, n, p, p);
    RUN(SCATTER_ADD, z, at(labels), x, 0, 5, r, n, p, p);
    RUN(LOG_SOFTMAX, x, z, r, n, p, p, 0);
    RUN(LOG_SOFTMAX_GRAD, y, x, z, r, n, p, p, p, 0);
    RUN(RMSNORM, x, z, vector(0), 0, 0, r, n, p, p, SMALL);
    RUN(RMSNORM_STATS, x, vector(2), r, n, p, SMALL);
    RUN(RMSNORM_GRAD, x, y, vector(0), 0, z, r, n, p, p, p, SMALL);
  }
}

BEHIND void channels(void) {
  static const struct {
    uint16_t samples, channels, cols;
  } blocks[] = {{1, 8, 64},   {1, 16, 256}, {4, 16, 64},  {1, 64, 64},
                {2, 12, 300}, {8, 32, 16},  {1, 3, 1024}, {1, 64, 16}};
  for (uint32_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
    const uint32_t s = blocks[i].samples, n = blocks[i].channels, p = blocks[i].cols;
    RUN(CHANNEL_SUMS, at(a), vector(0), vector(1), s, n, p, 0);
    RUN(CHANNEL_PRODUCTS, at(a), at(b), vector(0), vector(1), vector(2), vector(3), s, n, p, 0);
    RUN(BATCHNORM, at(a), at(c), vector(0), vector(1), vector(2), s, n, p, SMALL);
    RUN(BATCHNORM_APPLY, at(a), at(c), vector(0), vector(1), vector(2), s, n, p, SMALL);
    RUN(BATCHNORM_GRAD, at(a), at(b), vector(0), vector(2), at(c), vector(4), vector(5), s, n, p,
        0);
    RUN(BATCHNORM_SCALES, vector(0), vector(1), vector(2), vector(3), vector(4), vector(5),
        vector(6), n, ONE, SMALL);
    RUN(BATCHNORM_SLOPES, vector(0), vector(1), vector(2), vector(3), vector(4), vector(5),
        vector(6), vector(7), n, ONE);
  }
}

BEHIND void products(void) {
  static const struct {
    uint16_t rows, inner, cols, flags;
  } shapes[] = {{8, 8, 8, 0},      {16, 16, 16, 0}, {64, 128, 4, 0}, {64, 4, 64, 0},
                {64, 64, 4, 1},    {24, 128, 8, 0}, {24, 8, 64, 0},  {24, 100, 100, 2},
                {100, 24, 100, 1}, {64, 64, 64, 0}, {48, 48, 48, 2}, {1, 128, 64, 0},
                {32, 27, 96, 0},   {8, 36, 300, 0}, {96, 96, 96, 0}, {16, 144, 64, 2},
                {64, 1, 64, 0}};
  for (uint32_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    const uint32_t r = shapes[i].rows, k = shapes[i].inner, n = shapes[i].cols;
    const uint32_t flags = shapes[i].flags;
    RUN(GEMM, at(a), at(b), at(c), 0, r, k, n, (flags & ETUDE_GEMM_TRANS_A ? r : k) | 1,
        (flags & ETUDE_GEMM_TRANS_B ? k : n) | 1, n | 1, flags);
  }
}

BEHIND void windows(void) {
  static const struct {
    uint8_t channels, height, width, kernel, stride, pad, pooled;
  } images[] = {{1, 16, 16, 3, 1, 1, 0}, {3, 16, 16, 3, 1, 1, 0}, {3, 4, 32, 3, 1, 1, 0},
                {3, 8, 32, 3, 1, 1, 0},  {8, 10, 10, 3, 1, 1, 0}, {16, 8, 8, 3, 1, 1, 0},
                {32, 4, 8, 3, 1, 1, 0},  {64, 4, 4, 3, 1, 1, 0},  {4, 20, 20, 3, 1, 1, 0},
                {8, 16, 16, 3, 2, 1, 1}, {16, 8, 8, 3, 2, 1, 1},  {3, 33, 33, 3, 2, 1, 1},
                {8, 16, 16, 2, 2, 0, 1}, {4, 32, 32, 3, 2, 1, 1}, {32, 4, 8, 2, 2, 0, 1},
                {12, 12, 20, 3, 2, 1, 1}};
  for (uint32_t i = 0; i < sizeof images / sizeof images[0]; i++) {
    const uint32_t n = images[i].channels, h = images[i].height, w = images[i].width;
    const uint32_t k = images[i].kernel, s = images[i].stride, p = images[i].pad;
    const uint32_t oh = (h + 2 * p - k) / s + 1, ow = (w + 2 * p - k) / s + 1, pixels = oh * ow;
    const uint32_t kernel = k << 16 | k, stride = s << 16 | s, pad = p << 16 | p;
#define WINDOW(name, src, dst, pitch, aux) \
  RUN(name, src, dst, n, h, w, h* w, kernel, stride, pad, oh, ow, pitch, aux)
    if (images[i].pooled) {
      WINDOW(MAXPOOL, at(a), at(c), pixels, 0);
      WINDOW(AVGPOOL, at(a), at(c), pixels, 0);
      WINDOW(MAXPOOL_GRAD, at(b), at(c), pixels, at(a));
      WINDOW(AVGPOOL_GRAD, at(b), at(c), pixels, 0);
    }
    if (s == 1) {
      WINDOW(IM2COL, at(a), at(c), pixels, 0);
      WINDOW(IM2ROW, at(a), at(c), n * k * k, 0);
      WINDOW(COL2IM, at(c), at(a), pixels, 0);
      WINDOW(DEPTHWISE, at(a), at(c), pixels, vector(0));
      WINDOW(DEPTHWISE_GRAD_INPUT, at(b), at(c), pixels, vector(0));
      WINDOW(DEPTHWISE_GRAD_WEIGHT, at(a), vector(0), pixels, at(b));
    }
#undef WINDOW
  }
}

/* Taps two and three apart, with as much padding that the output is as large as the image. What
 * works by channels gets one a core and more, as the compiler gives it. */
BEHIND void windows_apart(void) {
  static const struct {
    uint8_t channels, height, width, kernel, dilation;
  } images[] = {{1, 16, 16, 3, 2}, {3, 16, 16, 3, 2}, {3, 8, 32, 3, 2},  {8, 10, 10, 3, 2},
                {16, 8, 8, 3, 2},  {8, 1, 64, 3, 2},  {4, 20, 20, 3, 2}, {3, 16, 16, 3, 3},
                {8, 10, 10, 2, 2}, {16, 8, 8, 2, 3},  {3, 12, 12, 5, 2}, {32, 6, 6, 3, 2},
                {8, 16, 16, 3, 2}, {8, 12, 12, 5, 2}, {24, 1, 64, 5, 3}};
  for (uint32_t i = 0; i < sizeof images / sizeof images[0]; i++) {
    const uint32_t n = images[i].channels, h = images[i].height, w = images[i].width;
    const uint32_t d = images[i].dilation, k = images[i].kernel, kh = h == 1 ? 1 : k;
    const uint32_t p = (k - 1) * d / 2, pixels = h * w;
    const uint32_t kernel = kh << 16 | k, pad = (h == 1 ? 0 : p) << 16 | p;
#define WINDOW(name, src, dst, pitch, aux)                                              \
  RUN(name##_DILATED, src, dst, n, h, w, h* w, kernel, 1u << 16 | 1u, pad, d << 16 | h, \
      d << 16 | w, pitch, aux)
    if (n * kh * k * pixels <= WORDS) {
      WINDOW(IM2COL, at(a), at(c), pixels, 0);
      WINDOW(IM2ROW, at(a), at(c), n * kh * k, 0);
      WINDOW(COL2IM, at(c), at(a), pixels, 0);
    }
    if (n >= 8) {
      WINDOW(MAXPOOL, at(a), at(c), pixels, 0);
      WINDOW(AVGPOOL, at(a), at(c), pixels, 0);
      WINDOW(MAXPOOL_GRAD, at(b), at(c), pixels, at(a));
      WINDOW(AVGPOOL_GRAD, at(b), at(c), pixels, 0);
      WINDOW(DEPTHWISE, at(a), at(c), pixels, vector(0));
      WINDOW(DEPTHWISE_GRAD_INPUT, at(b), at(c), pixels, vector(0));
      WINDOW(DEPTHWISE_GRAD_WEIGHT, at(a), vector(0), pixels, at(b));
    }
#undef WINDOW
  }
}

/* Tiles of a weight; the last two have a scale per row. */
BEHIND void stored(void) {
  static const uint16_t tiles[][3] = {{128, 128, 0}, {64, 64, 0}, {16, 128, 0}, {128, 32, 0},
                                      {32, 16, 0},   {60, 96, 0}, {32, 256, 1}, {64, 96, 1}};
  for (uint32_t i = 0; i < sizeof tiles / sizeof tiles[0]; i++) {
    const uint32_t r = tiles[i][0], n = tiles[i][1], by_row = tiles[i][2];
    const uint32_t x = at(a), z = at(c), s = vector(0);
    RUN(DECODE_INT8, x, s, z, r, n, n, n, by_row);
    RUN(DECODE_INT4, x, s, z, r, n, n / 2, n, by_row);
    RUN(DECODE_INT3, x, s, z, r, n, (3 * n + 31) / 32 * 4, n, by_row);
    RUN(DECODE_INT8_FP16, x, s, z, r, n, n, n, by_row);
    RUN(DECODE_INT4_FP16, x, s, z, r, n, n / 2, n, by_row);
    RUN(DECODE_INT3_FP16, x, s, z, r, n, (3 * n + 31) / 32 * 4, n, by_row);
  }
}

__attribute__((section(".rare_tests"))) int test_main(uint32_t hart, uint32_t harts) {
  for (uint32_t i = hart; i < WORDS; i += harts) {
    a[i] = (float)(i % 17) * 0.125f - 1.0f;
    b[i] = (float)(i % 13) * 0.125f - 0.5f;
    c[i] = 1.0f;
  }
  if (hart == 0) {
    for (uint32_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
      vectors[i] = 1.0f;
    }
    for (uint32_t i = 0; i < 256; i++) {
      labels[i] = i % 5;
    }
    workers = harts - 1;
  }
  etude_barrier();
  if (hart == harts - 1) {
    const uint32_t team = (1u << workers) - 1;
#define ENTRY(e, number, name, args) \
  entry[number] = (uint16_t)at((const void*)(uintptr_t)etude_##name);
    ETUDE_KERNEL_LIST(ENTRY)
#undef ENTRY
    const uint32_t other[13] = {at(a), at(c), 8, 16, 17, 17, ONE};
    for (uint32_t i = 0; i < 13; i++) {
      words[1][i] = other[i];
    }
    etude_write(ETUDE_EU_BARRIER_MASK, team);
    etude_write(ETUDE_EU_BARRIER_TARGET, team);
    etude_write(ETUDE_EU_DISPATCH_TEAM, team);
    elementwise();
    rows();
    channels();
    products();
    windows();
    windows_apart();
    functions();
    stored();
    etude_write(ETUDE_SOC_CORESTATUS, 0x80000000u);
    for (;;) {
      __asm__ volatile("wfi");
    }
  }
  work(hart);
  return 0;
}
