/* SPDX-License-Identifier: Apache-2.0
 * Decoding at many shapes, scales per column and per row, dense and with gaps between the rows,
 * against the definition, bit by bit of the stored numbers: results, and nothing else in the
 * result's buffer changed. Exit status 0: all right. */
#include "kernels/include/etude_kernels.h"
#include "kernels/lib/kernels.h"
#include "kernels/tests/spmd.h"

#define WORDS 2560
#define GUARD 0x7FA5A5A5u

static uint32_t packed[WORDS], scales[128], got[WORDS], want[WORDS];
static volatile uint32_t failures;

typedef union {
  uint32_t u;
  float f;
} word;

static uint32_t random_bits(uint32_t i) {
  uint32_t x = i * 0x9E3779B1u;
  x ^= x >> 15;
  x *= 0x2C1B3C6Du;
  return x ^ x >> 13;
}

static int32_t number(const struct etude_decode_args* a, uint32_t bits, uint32_t row,
                      uint32_t col) {
  const uint8_t* bytes = (const uint8_t*)packed + row * a->pitch_src;
  const uint32_t at = col * bits;
  const uint32_t both = bytes[at / 8] | (uint32_t)bytes[at / 8 + 1] << 8;
  const int32_t value = (int32_t)(both >> at % 8 & ((1u << bits) - 1));
  return value >> (bits - 1) ? value - (1 << bits) : value;
}

static void guard(uint32_t hart, uint32_t harts) {
  for (uint32_t i = hart; i < WORDS; i += harts) {
    got[i] = want[i] = GUARD;
  }
}

static void prepare(const struct etude_decode_args* a, uint32_t bits, uint32_t half, uint32_t hart,
                    uint32_t harts) {
  for (uint32_t row = hart; row < a->rows; row += harts) {
    for (uint32_t col = 0; col < a->cols; col++) {
      word scale = {scales[a->flags & ETUDE_DECODE_ROWS ? row : col]};
      const float value = (float)number(a, bits, row, col) * scale.f;
      const uint32_t at = row * a->pitch_dst + col;
      if (half) {
        ((_Float16*)(want + 8))[at] = (_Float16)value;
      } else {
        ((float*)(want + 8))[at] = value;
      }
    }
  }
}

static void compare(void) {
  for (uint32_t i = 0; i < WORDS; i++) {
    failures += got[i] != want[i];
  }
}

int test_main(uint32_t hart, uint32_t harts) {
  typedef void (*kernel)(const void*, uint32_t, uint32_t);
  const kernel kernels[] = {etude_decode_int8,      etude_decode_int4,      etude_decode_int3,
                            etude_decode_int8_fp16, etude_decode_int4_fp16, etude_decode_int3_fp16};
  const uint8_t shapes[][3] = {/* rows, columns, gap */
                               {1, 1, 0},  {1, 3, 1},  {2, 4, 0},  {3, 5, 2},   {1, 8, 0},
                               {9, 8, 1},  {5, 9, 0},  {7, 15, 1}, {16, 16, 0}, {13, 37, 4},
                               {2, 63, 1}, {40, 6, 3}, {8, 64, 0}, {1, 100, 0}, {17, 97, 2}};
  if (hart == 0) {
    for (uint32_t i = 0; i < WORDS; i++) {
      packed[i] = random_bits(i);
    }
    for (uint32_t i = 0; i < 128; i++) { /* 2^-9 to 2^6, some zero */
      scales[i] = i % 11 == 5 ? 0 : (118 + random_bits(i) % 16) << 23 | random_bits(i + 999) >> 9;
    }
  }
  uint32_t calls = 0;
  for (uint32_t k = 0; k < 6; k++) {
    const uint32_t bits = k % 3 == 0 ? 8 : k % 3 == 1 ? 4 : 3, half = k / 3;
    for (uint32_t s = 0; s < 2 * sizeof shapes / sizeof shapes[0]; s++, calls++) {
      const uint8_t* shape = shapes[s / 2];
      const struct etude_decode_args args = {(uint32_t)(uintptr_t)packed,
                                             (uint32_t)(uintptr_t)scales,
                                             (uint32_t)(uintptr_t)(got + 8),
                                             shape[0],
                                             shape[1],
                                             (shape[1] * bits + 31) / 32 * 4 + (s % 4 ? 4 : 0),
                                             shape[1] + shape[2],
                                             s % 2 ? ETUDE_DECODE_ROWS : 0};
      guard(hart, harts);
      etude_barrier();
      prepare(&args, bits, half, hart, harts);
      etude_barrier();
      kernels[k](&args, hart, harts);
      etude_barrier();
      if (hart == 0) {
        compare();
      }
      etude_barrier();
    }
  }
  if (hart == 0) {
    print_text("decode_sizes: ");
    print_number(calls);
    print_text(" calls on ");
    print_number(harts);
    print_text(failures ? " cores, FAILED\n" : " cores, all right\n");
  }
  etude_barrier();
  return failures != 0;
}
