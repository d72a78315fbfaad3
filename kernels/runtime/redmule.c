/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/runtime/redmule.h"

#define REG(offset) (ETUDE_HWPE_BASE + (offset))
#define TRIGGER 0x00u
#define ACQUIRE 0x04u
#define STATUS 0x0Cu
#define SOFT_CLEAR 0x14u
#define X_PTR 0x40u
#define W_PTR 0x44u
#define Z_PTR 0x48u
#define MCFG0 0x4Cu
#define MCFG1 0x50u
#define ARITH 0x54u

void etude_redmule_init(struct etude_redmule* redmule, uint32_t format) {
  redmule->posted = redmule->done = 0;
}

void etude_redmule_wait(struct etude_redmule* redmule, uint32_t count) {
  if ((int32_t)(redmule->done - count) >= 0) {
    return;
  }
  while (etude_read(REG(STATUS)) != 0) {
    etude_sleep(1u << ETUDE_EVENT_ACC0);
  }
  redmule->done = redmule->posted;
}

void etude_redmule_start(struct etude_redmule* redmule, const uint32_t* arg) {
  etude_redmule_wait(redmule, redmule->posted);
  etude_write(REG(SOFT_CLEAR), 0);
  while ((int32_t)etude_read(REG(ACQUIRE)) < 0) {
  }
  etude_write(REG(X_PTR), arg[0]);
  etude_write(REG(W_PTR), arg[1]);
  etude_write(REG(Z_PTR), arg[2]);
  etude_write(REG(MCFG0), arg[5] << 16 | arg[3]);
  etude_write(REG(MCFG1), arg[4]);
  etude_write(REG(ARITH), arg[6] << 10 | arg[7] << 7);
  etude_write(REG(TRIGGER), 0);
  redmule->posted++;
}
