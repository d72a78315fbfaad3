/* SPDX-License-Identifier: Apache-2.0
 * RedMulE as the interpreter uses it. The fp16 array's RTL needs SOFT_CLEAR between jobs, and
 * clearing throws a waiting job away, so there it gets one job at a time; the fp32 array has no
 * such erratum and gets the next job while one is running, which hides programming and tiler. */
#ifndef ETUDE_KERNELS_REDMULE_H
#define ETUDE_KERNELS_REDMULE_H
#include "kernels/runtime/runtime.h"

struct etude_redmule {
  uint32_t posted, done; /* jobs of this step */
  uint32_t refused;      /* its port may be refused for long */
  uint32_t depth;        /* jobs that the array may hold: 1 or 2 */
  uint32_t finished;     /* RUNNING_JOB when it was read last */
};

/* `boot`: field redmule of the boot block. */
void etude_redmule_init(struct etude_redmule* redmule, uint32_t boot);
/* Starts the job of the arguments of ETUDE_OP_REDMULE; waits for a place. */
void etude_redmule_start(struct etude_redmule* redmule, const uint32_t* arg);
/* Sleeps until `count` jobs of this step are done. */
void etude_redmule_wait(struct etude_redmule* redmule, uint32_t count);
#endif
