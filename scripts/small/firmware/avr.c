/* SPDX-License-Identifier: Apache-2.0
 * Predicts the samples of samples.h on an ATmega328P; prints for each one its class, cycles and
 * scores, then the bytes of stack. Parameters and samples are in flash, the sample at hand in SRAM.
 */
#include "avr.h"

#include "predict.h"
#include "samples.h"

enum { UNTOUCHED = 0xA5 };

extern uint8_t __heap_start; /* of the linker: behind all variables */

/* Fills what is free below the stack. */
static void __attribute__((noinline)) paint(void) {
  for (volatile uint8_t* p = &__heap_start; p < (uint8_t*)SP - 4; p++) {
    *p = UNTOUCHED;
  }
}

int main(void) {
  static int8_t x[FEATURES];
  static score_t scores[CLASSES];
  start_output();
  start_cycles();
  const uint16_t own = (uint16_t)cycles_now(); /* what the measurement takes itself */
  uint16_t stack = 0;
  for (uint16_t n = 0; n < SAMPLES; n++) {
    memcpy_P(x, samples[n], FEATURES);
    if (n == 0) {
      paint();
    }
    start_cycles();
    const uint8_t best = predict(x, scores);
    const uint32_t cycles = cycles_now() - own;
    if (n == 0) { /* before anything else uses the stack */
      const volatile uint8_t* p = &__heap_start;
      while (*p == UNTOUCHED) {
        p++;
      }
      stack = (uint16_t)((uint8_t*)SP - p);
    }
    print_number(best);
    print_letter(' ');
    print_number(cycles);
    for (uint8_t c = 0; c < CLASSES; c++) {
      print_hex(bits_of(scores[c]));
    }
    print_letter('\n');
  }
  print("stack ");
  print_number(stack);
  print_letter('\n');
  end();
  return 0;
}
