/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/runtime/redmule.h"

#include "models/redmule/redmule_regs.h"

#define REG(name) (ETUDE_HWPE_BASE + ETUDE_REDMULE_##name)

void etude_redmule_init(struct etude_redmule* redmule, uint32_t boot) {
  const uint32_t format = boot & ~ETUDE_BOOT_REDMULE_REFUSED;
  redmule->refused = boot & ETUDE_BOOT_REDMULE_REFUSED;
  redmule->posted = redmule->done = redmule->finished = 0;
  redmule->depth = format == ETUDE_REDMULE_FMT_FP32 ? 2 : 1;
  if (format) {
    etude_write(REG(SOFT_CLEAR), 0);
  }
}

/* The done event says that the last rows of Z are on their way: while cores hold up the port they
 * are not in memory yet, and a SOFT_CLEAR would drop them. Their job's context is taken until they
 * are. `later`: jobs posted behind it. */
static __attribute__((noinline, cold)) void wait_stored(uint32_t later) {
  uint32_t status;
  do {
    status = etude_read(REG(STATUS));
  } while ((status & 1u) + (status >> 8 & 1u) > later);
}

/* RUNNING_JOB counts what has finished since the last clear; it is compared modulo 256. The done
 * event is sticky, so a job that finishes between the read and the sleep ends the sleep at once. */
void etude_redmule_wait(struct etude_redmule* redmule, uint32_t count) {
  while ((int32_t)(redmule->done - count) < 0) {
    const uint32_t finished = etude_read(REG(RUNNING_JOB));
    const uint32_t more = (finished - redmule->finished) & 0xFFu;
    redmule->finished = finished;
    redmule->done += more;
    if (more == 0) {
      etude_sleep(1u << ETUDE_EVENT_ACC0);
    }
  }
  if (redmule->refused) {
    wait_stored(redmule->posted - count);
  }
}

void etude_redmule_start(struct etude_redmule* redmule, const uint32_t* arg) {
  etude_redmule_wait(redmule, redmule->posted + 1 - redmule->depth);
  if (redmule->depth == 1) {
    etude_write(REG(SOFT_CLEAR), 0);
    redmule->finished = 0;
  }
  while ((int32_t)etude_read(REG(ACQUIRE)) < 0) {
  }
  etude_write(REG(X_PTR), arg[0]);
  etude_write(REG(W_PTR), arg[1]);
  etude_write(REG(Z_PTR), arg[2]);
  etude_write(REG(MCFG0), arg[5] << 16 | arg[3]);
  etude_write(REG(MCFG1), arg[4]);
  etude_write(REG(ARITH), arg[6] << ETUDE_REDMULE_OP_SHIFT | arg[7] << ETUDE_REDMULE_FMT_SHIFT);
  etude_write(REG(TRIGGER), 0);
  redmule->posted++;
}
