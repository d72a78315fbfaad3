/* SPDX-License-Identifier: Apache-2.0
 * What operations take on an ATmega328P: cycles of loops over COUNT drawn operands in SRAM, with
 * loads, stores and the loop. Each line: name, cycles, operations. The first lines measure what is
 * known (no instruction, 100 NOPs of a cycle), so that the timer itself is tested. */
#include <math.h>
#include <stddef.h>

#include "avr.h"
#define FEATURES 1
#define CLASSES 2
#include "target.h"

enum { COUNT = 64 };
#define LOOP __attribute__((noinline, noclone)) static void

/* Not static: whatever is stored may be read. */
float fa[COUNT], fb[COUNT], fy[COUNT];
int16_t ia[COUNT], ib[COUNT], iy[COUNT];
int32_t la[COUNT / 2], ly[COUNT / 2];
static int8_t xs[COUNT];
/* One of 64 weights: flash, as those of a model are. */
static const int8_t ws[COUNT] PARAMETER = {
    3,   -7, 91, -128 + 1, 55, 2,   -3, 17, 99, -4, 5,  6,   -77, 8,  -9, 10,
    -11, 12, 13, -14,      15, -16, 17, 18, -1, 20, 21, -22, 23,  24, 25, -26,
    127, 28, -2, 30,       -3, 32,  33, 34, 35, -6, 37, 38,  39,  40, -1, 42,
    43,  44, 45, -46,      47, 48,  49, -5, 51, 52, 53, 54,  -55, 56, 57, 58};
static volatile int32_t kept;
static volatile float kept_float;

LOOP nothing(void) { __asm__ volatile(""); }
LOOP nops(void) { __asm__ volatile(".rept 100\n nop\n .endr\n"); }
LOOP int8_mac_asm(void) { kept = dot(ws, xs, COUNT); }
LOOP int8_mac_int16(void) {
  int16_t sum = 0;
  for (uint8_t i = 0; i < COUNT; i++) {
    sum += READ_BYTE(ws + i) * xs[i];
  }
  kept = sum;
}
LOOP int8_mac_int32(void) {
  int32_t sum = 0;
  for (uint8_t i = 0; i < COUNT; i++) {
    sum += READ_BYTE(ws + i) * xs[i];
  }
  kept = sum;
}
LOOP int16_add(void) {
  for (uint8_t i = 0; i < COUNT; i++) {
    iy[i] = ia[i] + ib[i];
  }
}
LOOP int16_mul(void) {
  for (uint8_t i = 0; i < COUNT; i++) {
    iy[i] = ia[i] * ib[i];
  }
}
LOOP int16_div(void) {
  for (uint8_t i = 0; i < COUNT; i++) {
    iy[i] = ia[i] / ib[i];
  }
}
LOOP int32_mul(void) {
  for (uint8_t i = 0; i < COUNT / 2; i++) {
    ly[i] = la[i] * la[COUNT / 2 - 1 - i];
  }
}
LOOP float_mac(void) {
  float sum = 0;
  for (uint8_t i = 0; i < COUNT; i++) {
    sum += fa[i] * fb[i];
  }
  kept_float = sum;
}
LOOP float_add(void) {
  for (uint8_t i = 0; i < COUNT; i++) {
    fy[i] = fa[i] + fb[i];
  }
}
LOOP float_mul(void) {
  for (uint8_t i = 0; i < COUNT; i++) {
    fy[i] = fa[i] * fb[i];
  }
}
LOOP float_div(void) {
  for (uint8_t i = 0; i < COUNT; i++) {
    fy[i] = fa[i] / fb[i];
  }
}
LOOP float_compare(void) {
  for (uint8_t i = 0; i < COUNT; i++) {
    fy[i] = fa[i] > 0 ? fa[i] : 0;
  }
}
LOOP float_expf(void) {
  for (uint8_t i = 0; i < COUNT; i++) {
    fy[i] = expf(fa[i]);
  }
}
LOOP float_sqrtf(void) {
  for (uint8_t i = 0; i < COUNT; i++) {
    fy[i] = sqrtf(fb[i]);
  }
}

/* A linear congruential generator (Numerical Recipes): the upper half of 32 bits. */
static uint16_t draw(void) {
  static uint32_t state = 1;
  state = state * 1664525u + 1013904223u;
  return (uint16_t)(state >> 16);
}

#define SHOW(name, count)            \
  start_cycles();                    \
  name();                            \
  __asm__ volatile("" ::: "memory"); \
  cycles = cycles_now() - own;       \
  print(#name " ");                  \
  print_number(cycles);              \
  print_letter(' ');                 \
  print_number(count);               \
  print_letter('\n')

int main(void) {
  for (uint8_t i = 0; i < COUNT; i++) {
    fa[i] = ((int16_t)draw()) / 8192.0f; /* -4 to 4 */
    fb[i] = 0.25f + draw() / 16384.0f;   /* 0.25 to 4.25 */
    ia[i] = (int16_t)draw();
    ib[i] = (int16_t)(draw() >> 8) + 1;
    xs[i] = (int8_t)(draw() >> 12);
    la[i / 2] = (int32_t)draw() << 8;
  }
  start_output();
  start_cycles();
  const uint16_t own = (uint16_t)cycles_now();
  uint32_t cycles;
  SHOW(nothing, 1);
  SHOW(nops, 100);
  SHOW(int8_mac_asm, COUNT);
  SHOW(int8_mac_int16, COUNT);
  SHOW(int8_mac_int32, COUNT);
  SHOW(int16_add, COUNT);
  SHOW(int16_mul, COUNT);
  SHOW(int16_div, COUNT);
  SHOW(int32_mul, COUNT / 2);
  SHOW(float_mac, COUNT);
  SHOW(float_add, COUNT);
  SHOW(float_mul, COUNT);
  SHOW(float_div, COUNT);
  SHOW(float_compare, COUNT);
  SHOW(float_expf, COUNT);
  SHOW(float_sqrtf, COUNT);
  end();
  return 0;
}
