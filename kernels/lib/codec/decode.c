/* SPDX-License-Identifier: Apache-2.0
 * Stored integers times their scales, as FP32 or binary16. A group of four (8 bits) or eight (4 and
 * 3 bits) neighbours is decoded by one body, whose scales stay in registers: where a column has a
 * scale it runs down the rows, where a row has one along the row. */
#include "kernels/lib/codec/decode.h"

#include "kernels/lib/support.h"

/* A number that begins at bit `at` of a row; it may end in the byte behind. */
static inline int32_t number_at(const uint8_t* row, uint32_t at, uint32_t bits) {
  const uint32_t shift = at & 7;
  uint32_t bytes = row[at >> 3];
  if (shift + bits > 8) {
    bytes |= (uint32_t)row[(at >> 3) + 1] << 8;
  }
  return (int32_t)(bytes << (32 - bits - shift)) >> (32 - bits);
}

static inline void put(uint32_t dst, int half, float value) {
  if (half) {
    *ETUDE_H(dst) = (_Float16)value;
  } else {
    *ETUDE_F(dst) = value;
  }
}

/* The columns behind the last whole group. */
static __attribute__((noinline)) ETUDE_DECODE_CODE void last_columns(
    const struct etude_decode_args* a, uint32_t first, uint32_t bits, uint32_t half,
    uint32_t worker, uint32_t workers) {
  const struct etude_range rows = etude_split(a->rows, worker, workers);
  const uint32_t element = half ? 2 : 4;
  for (uint32_t row = rows.begin; row < rows.begin + rows.count; row++) {
    const uint8_t* src = (const uint8_t*)(uintptr_t)(a->src + row * a->pitch_src);
    for (uint32_t col = first; col < a->cols; col++) {
      const float scale = ETUDE_F(a->scales)[a->flags & ETUDE_DECODE_ROWS ? row : col];
      put(a->dst + (row * a->pitch_dst + col) * element, half,
          (float)number_at(src, col * bits, bits) * scale);
    }
  }
}

/* `n` > 0 groups, the steps in bytes. */
typedef void (*decode_run)(uint32_t src, uint32_t step_src, uint32_t dst, uint32_t step_dst,
                           uint32_t n, const float* scales);

static __attribute__((noinline)) ETUDE_DECODE_CODE void decode(const void* args, uint32_t worker,
                                                               uint32_t workers, uint32_t bits,
                                                               uint32_t half, decode_run run) {
  const struct etude_decode_args* a = args;
  const uint32_t wide = bits == 8 ? 2 : 3; /* log2 of a group */
  const uint32_t groups = a->cols >> wide;
  const uint32_t by_row = a->flags & ETUDE_DECODE_ROWS;
  const uint32_t bytes = bits == 3 ? 3 : 4;
  const uint32_t element = half ? 2 : 4;
  if (groups != 0) {
    const uint32_t step_src = by_row ? bytes : a->pitch_src;
    const uint32_t step_dst = by_row ? element << wide : a->pitch_dst * element;
    float same[8];
    ETUDE_FOR_PIECES(by_row ? a->rows : groups, by_row ? groups : a->rows, 0, worker, workers) {
      const uint32_t row = by_row ? p_.row : p_.col;
      const uint32_t group = by_row ? p_.col : p_.row;
      const float* scales = ETUDE_F(a->scales) + (by_row ? row : group << wide);
      if (by_row) {
        for (uint32_t i = 0; i < 8; i++) {
          same[i] = *scales;
        }
        scales = same;
      }
      run(a->src + row * a->pitch_src + group * bytes, step_src,
          a->dst + (row * a->pitch_dst + (group << wide)) * element, step_dst, p_.n, scales);
    }
  }
  if (groups << wide != a->cols) {
    last_columns(a, groups << wide, bits, half, worker, workers);
  }
}

#if ETUDE_ASM
/* Four numbers in t0..t3: to FP32, times scales, and where `narrow` to binary16. */
#define WIDEN               \
  "fcvt.s.w %[t0], %[t0]\n" \
  "fcvt.s.w %[t1], %[t1]\n" \
  "fcvt.s.w %[t2], %[t2]\n" \
  "fcvt.s.w %[t3], %[t3]\n"
#define TIMES(a, b, c, d)       \
  "fmul.s %[t0], %[t0], %[s" #a \
  "]\n"                         \
  "fmul.s %[t1], %[t1], %[s" #b \
  "]\n"                         \
  "fmul.s %[t2], %[t2], %[s" #c \
  "]\n"                         \
  "fmul.s %[t3], %[t3], %[s" #d "]\n"
#define NARROW              \
  "fcvt.h.s %[t0], %[t0]\n" \
  "fcvt.h.s %[t1], %[t1]\n" \
  "fcvt.h.s %[t2], %[t2]\n" \
  "fcvt.h.s %[t3], %[t3]\n"
#define EXTRACT(bits_less_one, a, b, c, d) EXTRACT_OF("w", bits_less_one, a, b, c, d)
#define EXTRACT_OF(w, bits_less_one, a, b, c, d)        \
  "cv.extract %[t0], %[" w "], " #bits_less_one ", " #a \
  "\n"                                                  \
  "cv.extract %[t1], %[" w "], " #bits_less_one ", " #b \
  "\n"                                                  \
  "cv.extract %[t2], %[" w "], " #bits_less_one ", " #c \
  "\n"                                                  \
  "cv.extract %[t3], %[" w "], " #bits_less_one ", " #d "\n"
#define STORE(op, a, b, c, d)                                                                  \
  op " %[t0], " #a "(%[dst])\n" op " %[t1], " #b "(%[dst])\n" op " %[t2], " #c "(%[dst])\n" op \
     " %[t3], " #d "(%[dst])\n"
/* The first of the group last: it takes the pointer on. */
#define STORE_AND_STEP(op, b, c, d)                                            \
  op " %[t1], " #b "(%[dst])\n" op " %[t2], " #c "(%[dst])\n" op " %[t3], " #d \
     "(%[dst])\n"                                                              \
     "cv." op " %[t0], (%[dst]), %[step_dst]\n"
#define BYTES             \
  "lb %[t1], 1(%[src])\n" \
  "lb %[t2], 2(%[src])\n" \
  "lb %[t3], 3(%[src])\n" \
  "cv.lb %[t0], (%[src]), %[step_src]\n"
#define WORD "cv.lw %[w], (%[src]), %[step_src]\n"
/* 24 bits that begin with a byte. */
#define THREE_BYTES                      \
  "lbu %[t0], 1(%[src])\n"               \
  "lbu %[t1], 2(%[src])\n"               \
  "cv.lbu %[w], (%[src]), %[step_src]\n" \
  "slli %[t1], %[t1], 16\n"              \
  "cv.insert %[w], %[t0], 7, 8\n"        \
  "or %[w], %[w], %[t1]\n"

#define RUN4(name, words, body)                                                            \
  static ETUDE_DECODE_CODE void name(uint32_t src, uint32_t step_src, uint32_t dst,        \
                                     uint32_t step_dst, uint32_t n, const float* s) {      \
    uint32_t t0, t1, t2, t3;                                                               \
    __asm__ volatile(ETUDE_HWLOOP(words) body ETUDE_HWLOOP_END                             \
                     : [src] "+&r"(src), [dst] "+&r"(dst), [t0] "=&r"(t0), [t1] "=&r"(t1), \
                       [t2] "=&r"(t2), [t3] "=&r"(t3)                                      \
                     : [n] "r"(n), [step_src] "r"(step_src), [step_dst] "r"(step_dst),     \
                       [s0] "r"(s[0]), [s1] "r"(s[1]), [s2] "r"(s[2]), [s3] "r"(s[3])      \
                     : "memory");                                                          \
  }
#define RUN8(name, words, body)                                                            \
  static ETUDE_DECODE_CODE void name(uint32_t src, uint32_t step_src, uint32_t dst,        \
                                     uint32_t step_dst, uint32_t n, const float* s) {      \
    uint32_t t0, t1, t2, t3, w;                                                            \
    __asm__ volatile(ETUDE_HWLOOP(words) body ETUDE_HWLOOP_END                             \
                     : [src] "+&r"(src), [dst] "+&r"(dst), [t0] "=&r"(t0), [t1] "=&r"(t1), \
                       [t2] "=&r"(t2), [t3] "=&r"(t3), [w] "=&r"(w)                        \
                     : [n] "r"(n), [step_src] "r"(step_src), [step_dst] "r"(step_dst),     \
                       [s0] "r"(s[0]), [s1] "r"(s[1]), [s2] "r"(s[2]), [s3] "r"(s[3]),     \
                       [s4] "r"(s[4]), [s5] "r"(s[5]), [s6] "r"(s[6]), [s7] "r"(s[7])      \
                     : "memory");                                                          \
  }

#define BYTES_OF(w) EXTRACT_OF(w, 7, 0, 8, 16, 24) WIDEN TIMES(0, 1, 2, 3)

RUN4(int8_one_run, 16, BYTES WIDEN TIMES(0, 1, 2, 3) STORE_AND_STEP("sw", 4, 8, 12))

/* Two groups at once, by words: fewer loads, and fewer banks that other cores want. */
static ETUDE_DECODE_CODE void int8_run(uint32_t src, uint32_t step_src, uint32_t dst,
                                       uint32_t step_dst, uint32_t n, const float* s) {
  uint32_t t0, t1, t2, t3, w, v;
  if (n >> 1) {
    __asm__ volatile(ETUDE_HWLOOP(34) WORD "cv.lw %[v], (%[src]), %[step_src]\n" BYTES_OF("w")
                         STORE_AND_STEP("sw", 4, 8, 12) BYTES_OF("v") STORE_AND_STEP("sw", 4, 8, 12)
                             ETUDE_HWLOOP_END
                     : [src] "+&r"(src), [dst] "+&r"(dst), [t0] "=&r"(t0), [t1] "=&r"(t1),
                       [t2] "=&r"(t2), [t3] "=&r"(t3), [w] "=&r"(w), [v] "=&r"(v)
                     : [n] "r"(n >> 1), [step_src] "r"(step_src), [step_dst] "r"(step_dst),
                       [s0] "r"(s[0]), [s1] "r"(s[1]), [s2] "r"(s[2]), [s3] "r"(s[3])
                     : "memory");
  }
  if (n & 1) {
    int8_one_run(src, step_src, dst, step_dst, 1, s);
  }
}
RUN4(int8_half_run, 20, BYTES WIDEN TIMES(0, 1, 2, 3) NARROW STORE_AND_STEP("sh", 2, 4, 6))
RUN8(int4_run, 33,
     WORD EXTRACT(3, 16, 20, 24, 28) WIDEN TIMES(4, 5, 6, 7) STORE("sw", 16, 20, 24, 28)
         EXTRACT(3, 0, 4, 8, 12) WIDEN TIMES(0, 1, 2, 3) STORE_AND_STEP("sw", 4, 8, 12))
RUN8(int4_half_run, 41,
     WORD EXTRACT(3, 16, 20, 24, 28) WIDEN TIMES(4, 5, 6, 7) NARROW STORE("sh", 8, 10, 12, 14)
         EXTRACT(3, 0, 4, 8, 12) WIDEN TIMES(0, 1, 2, 3) NARROW STORE_AND_STEP("sh", 2, 4, 6))
RUN8(int3_run, 38,
     THREE_BYTES EXTRACT(2, 12, 15, 18, 21) WIDEN TIMES(4, 5, 6, 7) STORE("sw", 16, 20, 24, 28)
         EXTRACT(2, 0, 3, 6, 9) WIDEN TIMES(0, 1, 2, 3) STORE_AND_STEP("sw", 4, 8, 12))
RUN8(int3_half_run, 46,
     THREE_BYTES EXTRACT(2, 12, 15, 18, 21) WIDEN TIMES(4, 5, 6, 7)
         NARROW STORE("sh", 8, 10, 12, 14) EXTRACT(2, 0, 3, 6, 9) WIDEN TIMES(0, 1, 2, 3)
             NARROW STORE_AND_STEP("sh", 2, 4, 6))
#else
#define RUN(name, bits, half)                                                                    \
  static void name(uint32_t src, uint32_t step_src, uint32_t dst, uint32_t step_dst, uint32_t n, \
                   const float* scales) {                                                        \
    for (; n; n--, src += step_src, dst += step_dst) {                                           \
      for (uint32_t i = 0; i < (bits == 8 ? 4u : 8u); i++) {                                     \
        put(dst + i * (half ? 2u : 4u), half,                                                    \
            (float)number_at((const uint8_t*)(uintptr_t)src, i * bits, bits) * scales[i]);       \
      }                                                                                          \
    }                                                                                            \
  }
RUN(int8_run, 8, 0)
RUN(int8_half_run, 8, 1)
RUN(int4_run, 4, 0)
RUN(int4_half_run, 4, 1)
RUN(int3_run, 3, 0)
RUN(int3_half_run, 3, 1)
#endif

ETUDE_DECODE_ENTRY(decode_int8) { decode(args, worker, workers, 8, 0, int8_run); }
ETUDE_DECODE_ENTRY(decode_int4) { decode(args, worker, workers, 4, 0, int4_run); }
ETUDE_DECODE_ENTRY(decode_int3) { decode(args, worker, workers, 3, 0, int3_run); }
ETUDE_DECODE_ENTRY(decode_int8_fp16) { decode(args, worker, workers, 8, 1, int8_half_run); }
ETUDE_DECODE_ENTRY(decode_int4_fp16) { decode(args, worker, workers, 4, 1, int4_half_run); }
ETUDE_DECODE_ENTRY(decode_int3_fp16) { decode(args, worker, workers, 3, 1, int3_half_run); }
