/* SPDX-License-Identifier: Apache-2.0
 * RedMulE as the interpreter uses it: one job at a time, because the RTL needs SOFT_CLEAR between
 * jobs and clearing throws a waiting job away. */
#ifndef ETUDE_KERNELS_REDMULE_H
#define ETUDE_KERNELS_REDMULE_H
#include "kernels/runtime/runtime.h"

struct etude_redmule {
  uint32_t posted, done;
};

void etude_redmule_init(struct etude_redmule* redmule, uint32_t format);
/* Starts the job of the arguments of ETUDE_OP_REDMULE; waits for the one before. */
void etude_redmule_start(struct etude_redmule* redmule, const uint32_t* arg);
/* Sleeps until `count` jobs are done. */
void etude_redmule_wait(struct etude_redmule* redmule, uint32_t count);
#endif
