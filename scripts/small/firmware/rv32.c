/* SPDX-License-Identifier: Apache-2.0
 * Predicts the samples of samples.h on hart 0 of a modelled cluster; prints for each one its class,
 * cycles and scores, then the bytes of stack. Parameters and samples are in L1. */
#include "kernels/include/etude_cluster.h"
#include "kernels/include/etude_region.h"
#include "predict.h"
#include "samples.h"

ETUDE_REGION_NAME(1, "predict");

static void print_hex(uint32_t value) {
  char digits[10] = " ";
  for (int i = 0; i < 8; i++) {
    digits[i + 1] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
  }
  digits[9] = 0;
  etude_print(digits);
}

enum { STACK_BYTES = 2048, UNTOUCHED = 0xA5 };

/* Fills what is free of hart 0's stack. */
static void __attribute__((noinline)) paint(void) {
  volatile uint8_t here;
  for (volatile uint8_t* p = (volatile uint8_t*)ETUDE_L1_BASE; p < &here - 64; p++) {
    *p = UNTOUCHED;
  }
}

int program(uint32_t hart) {
  if (hart != 0) {
    return 0;
  }
  static score_t scores[CLASSES];
  uint8_t first = 0;
  volatile uint8_t top;
  for (uint16_t n = 0; n < SAMPLES; n++) {
    if (n == 0) {
      paint();
    }
    const uint32_t begin = etude_cycles();
    ETUDE_REGION_BEGIN(1);
    const uint8_t best = predict(samples[n], scores);
    ETUDE_REGION_END();
    const uint32_t cycles = etude_cycles() - begin;
    if (n == 0) { /* before anything else uses the stack */
      const volatile uint8_t* p = (const volatile uint8_t*)ETUDE_L1_BASE;
      while (*p == UNTOUCHED) {
        p++;
      }
      first = (uint8_t)(&top - p);
    }
    etude_print_number(best);
    etude_print(" ");
    etude_print_number(cycles);
    for (uint8_t c = 0; c < CLASSES; c++) {
      print_hex(bits_of(scores[c]));
    }
    etude_print("\n");
  }
  etude_print("stack ");
  etude_print_number(first);
  etude_print("\n");
  return 0;
}
