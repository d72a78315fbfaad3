/* SPDX-License-Identifier: Apache-2.0
 * The operators with assembly in their inner loops, at all sizes 1..9 by 1..21 and some larger
 * ones, dense and with gaps between the rows, against plain loops in this file: results bit by bit,
 * and nothing else in the result's buffer changed. Exit status 0: all right. */
#include "kernels/include/etude_kernels.h"
#include "kernels/lib/kernels.h"
#include "kernels/tests/spmd.h"

#define WORDS 4096
#define GUARD 0x7FA5A5A5u

static uint32_t a[WORDS], b[WORDS], got[WORDS], want[WORDS];
static volatile uint32_t failures;

typedef union {
  uint32_t u;
  float f;
  _Float16 h[2];
} word;

static uint32_t number(uint32_t i, uint32_t seed) {
  uint32_t x = i * 0x9E3779B1u + seed * 0x85EBCA77u;
  x ^= x >> 15;
  x *= 0x2C1B3C6Du;
  word w;
  w.f = (float)((int32_t)x >> 8) * 0x1p-20f; /* -8 .. 8 */
  return w.u;
}

enum {
  FILL,
  BROADCAST,
  COPY,
  SCALE,
  RELU,
  RELU_GRAD,
  ADD,
  MUL,
  ADD_ROW,
  SGD,
  TRANSPOSE,
  MASKED,
  COLUMN_SUM,
  TO_16,
  TO_32,
  OPERATORS
};
static const char* const names =
    "fill broadcast copy scale relu relu_grad add mul add_row sgd transpose masked "
    "column_sum fp32_to_fp16 fp16_to_fp32 ";

static void print_name(uint32_t index) {
  const char* p = names;
  for (; index; index--) {
    while (*p++ != ' ') {
    }
  }
  char text[20];
  uint32_t n = 0;
  while (*p != ' ') {
    text[n++] = *p++;
  }
  text[n] = 0;
  print_text(text);
}

static float f(uint32_t bits) {
  word w = {bits};
  return w.f;
}
static uint32_t u(float x) {
  word w;
  w.f = x;
  return w.u;
}

/* What element (r, c) of the result should be. */
static uint32_t element(uint32_t op, uint32_t x, uint32_t y, uint32_t row, uint32_t old) {
  const float k = 0.37f;
  switch (op) {
    case FILL:
      return u(k);
    case BROADCAST:
      return row;
    case COPY:
      return x;
    case SCALE:
      return u(f(x) * k);
    case RELU:
      return (int32_t)x > 0 ? x : 0;
    case RELU_GRAD:
      return (int32_t)y > 0 ? x : 0;
    case ADD:
      return u(f(x) + f(y));
    case MUL:
      return u(f(x) * f(y));
    case ADD_ROW:
      return u(f(x) + f(row));
    case SGD:
      return u(__builtin_fmaf(-k, f(x), f(old)));
    case MASKED:
      return (int32_t)y > 0 ? x : 0;
    default:
      return x;
  }
}

static void run(uint32_t op, uint32_t rows, uint32_t cols, uint32_t gap, uint32_t hart,
                uint32_t harts) {
  const uint32_t pitch = cols + gap;
  const uint32_t pa = (uint32_t)(uintptr_t)a, pb = (uint32_t)(uintptr_t)b,
                 pd = (uint32_t)(uintptr_t)(got + 8);
  const uint32_t k = u(0.37f);
  switch (op) {
#define CALL(kernel, ...)                  \
  {                                        \
    const uint32_t args[] = {__VA_ARGS__}; \
    kernel(args, hart, harts);             \
    break;                                 \
  }
    case FILL:
      CALL(etude_fill, pd, rows, cols, pitch, k)
    case BROADCAST:
      CALL(etude_broadcast_row, pb, pd, rows, cols, pitch)
    case COPY:
      CALL(etude_copy, pa, pd, rows, cols, pitch, pitch, k)
    case SCALE:
      CALL(etude_scale, pa, pd, rows, cols, pitch, pitch, k)
    case RELU:
      CALL(etude_relu, pa, pd, rows, cols, pitch, pitch)
    case RELU_GRAD:
      CALL(etude_relu_grad, pa, pb, pd, rows, cols, pitch, pitch, pitch)
    case ADD:
      CALL(etude_add, pa, pb, pd, rows, cols, pitch, pitch, pitch)
    case MUL:
      CALL(etude_mul, pa, pb, pd, rows, cols, pitch, pitch, pitch)
    case ADD_ROW:
      CALL(etude_add_row, pa, pb, pd, rows, cols, pitch, pitch)
    case SGD:
      CALL(etude_sgd, pd, pa, rows, cols, pitch, pitch, k)
    case TRANSPOSE:
      CALL(etude_transpose, pa, pd, 0, rows, cols, pitch, rows + gap, 0)
    case MASKED:
      CALL(etude_transpose, pa, pd, pb, rows, cols, pitch, rows + gap, pitch)
    case COLUMN_SUM:
      CALL(etude_column_sum, pa, pd, rows, cols, pitch, 0)
    case TO_16:
      CALL(etude_fp32_to_fp16, pa, pd, rows, cols, pitch, 2 * pitch)
    default:
      CALL(etude_fp16_to_fp32, pa, pd, rows, cols, 2 * pitch, pitch)
  }
}

static void expect(uint32_t op, uint32_t rows, uint32_t cols, uint32_t gap) {
  const uint32_t pitch = cols + gap;
  uint32_t* d = want + 8;
  const _Float16* halves = (const _Float16*)a;
  if (op == COLUMN_SUM) {
    for (uint32_t c = 0; c < cols; c++) {
      float sum = 0;
      for (uint32_t r = 0; r < rows; r++) {
        sum += f(a[r * pitch + c]);
      }
      d[c] = u(sum);
    }
    return;
  }
  for (uint32_t r = 0; r < rows; r++) {
    for (uint32_t c = 0; c < cols; c++) {
      const uint32_t at = r * pitch + c;
      if (op == TO_16) {
        ((_Float16*)d)[2 * r * pitch + c] = (_Float16)f(a[at]);
      } else if (op == TO_32) {
        d[at] = u((float)halves[2 * r * pitch + c]);
      } else {
        const uint32_t to = op == TRANSPOSE || op == MASKED ? c * (rows + gap) + r : at;
        d[to] = element(op, a[at], b[at], b[c], d[to]);
      }
    }
  }
}

static void check(uint32_t op, uint32_t rows, uint32_t cols, uint32_t gap, uint32_t hart,
                  uint32_t harts) {
  const uint32_t used = (rows + gap) * (cols + gap) * 2 + 16;
  for (uint32_t i = hart; i < used; i += harts) {
    a[i] = op == TO_32 ? (number(i, 1) & 0xBFFFBFFFu) : number(i, 1); /* no infinities as halves */
    b[i] = number(i, 2);
    got[i] = want[i] = op == SGD ? number(i, 3) : GUARD;
  }
  etude_barrier();
  run(op, rows, cols, gap, hart, harts);
  if (hart == harts - 1) {
    expect(op, rows, cols, gap);
  }
  etude_barrier();
  uint32_t wrong = 0;
  for (uint32_t i = hart; i < used; i += harts) {
    wrong |= got[i] ^ want[i];
  }
  if (wrong) {
    failures = 1;
    print_text("wrong: ");
    print_name(op);
    print_text(" rows ");
    print_number(rows);
    print_text(" cols ");
    print_number(cols);
    print_text(" gap ");
    print_number(gap);
    print_text("\n");
  }
  etude_barrier();
}

int test_main(uint32_t hart, uint32_t harts) {
  uint32_t done = 0;
  for (uint32_t op = 0; op < OPERATORS; op++) {
    for (uint32_t rows = 1; rows <= 9; rows++) {
      for (uint32_t cols = 1; cols <= 21; cols++) {
        check(op, rows, cols, (rows + cols) % 3, hart, harts);
        done++;
      }
    }
    check(op, 24, 80, 0, hart, harts); /* dense and large enough for shares in different banks */
    check(op, 31, 45, 1, hart, harts);
    done += 2;
  }
  if (hart == 0) {
    print_text("operator_sizes: ");
    print_number(done);
    print_text(" operations on ");
    print_number(harts);
    print_text(failures ? " cores, some wrong\n" : " cores, all right\n");
  }
  return failures != 0;
}
