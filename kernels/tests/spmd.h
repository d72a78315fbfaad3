/* SPDX-License-Identifier: Apache-2.0
 * The start-up of test programs: every hart calls test_main(hart, harts); core 0's result is the
 * exit status. */
#ifndef ETUDE_TESTS_SPMD_H
#define ETUDE_TESTS_SPMD_H
#include <stdint.h>

int test_main(uint32_t hart, uint32_t harts);
/* The barrier of all harts (etude_barrier of the kernel library). */
void etude_barrier(void);
void print_text(const char* text);
void print_number(uint32_t value);
/* The cluster timer, started by core 0 before test_main: cycles. */
uint32_t cycles_now(void);
#endif
