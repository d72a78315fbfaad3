/* SPDX-License-Identifier: Apache-2.0
 * What each hart does after crt0: the interpreter's hart sets up and runs the task list, the others
 * take kernels from the dispatch FIFO. */
#include "kernels/include/etude_check.h"
#include "kernels/runtime/runtime.h"

void etude_exit(uint32_t status) {
  etude_write(ETUDE_SOC_CORESTATUS, 0x80000000u | status);
  for (;;) {
    __asm__ volatile("wfi");
  }
}

void etude_barrier(void) {
  etude_write(ETUDE_EU_MASK, 1u << ETUDE_EVENT_BARRIER);
  (void)etude_blocking_load(ETUDE_EU_BARRIER_WAIT_CLEAR);
}

/* A dispatched word is (offset of the arguments in L1) << 16 | offset of the kernel in the code, so
 * that one pop is enough. The counter is written before the event that announces it, and the event
 * stays pending in the event unit: the controller cannot miss it. */
void etude_work(uint32_t worker, uint32_t workers, uint32_t announce) {
  uint32_t done = 0;
  for (;;) {
    etude_write(ETUDE_EU_MASK, 1u << ETUDE_EVENT_DISPATCH);
    const uint32_t word = etude_blocking_load(ETUDE_EU_DISPATCH_FIFO);
    const etude_kernel_fn kernel = (etude_kernel_fn)(ETUDE_BOOT_ADDRESS + (word & 0xFFFFu));
    kernel((const void*)(ETUDE_L1_BASE + (word >> 16)), worker, workers);
    etude_barrier();
    if (announce) {
      ETUDE_STATE->kernels_done = ++done;
      etude_write(ETUDE_EU_SW_TRIGGER + 4 * ETUDE_SW_EVENT_KERNEL_DONE, announce);
    }
  }
}

void etude_main(uint32_t hart, uint32_t workers, uint32_t controller) {
  ETUDE_CHECK_FLAG(ETUDE_L1_BASE + ETUDE_STATE_OFFSET, sizeof(struct etude_state));
  ETUDE_CHECK_STACKS(ETUDE_L1_BASE + ETUDE_L1_RUNTIME_BYTES, ETUDE_L1_CONTROLLER_STACK_BYTES, 1);
  ETUDE_CHECK_STACKS(ETUDE_L1_BASE + ETUDE_L1_RUNTIME_BYTES + ETUDE_L1_CONTROLLER_STACK_BYTES,
                     ETUDE_L1_STACK_BYTES, 16);
  const uint32_t interpreter = controller ? workers : 0;
  if (hart != interpreter) {
    /* The barrier's masks are set by the interpreter before its first dispatch. */
    etude_work(hart, workers, hart == 0 ? 1u << interpreter : 0);
  }
  if (ETUDE_BOOT->magic != ETUDE_BOOT_MAGIC) {
    etude_write(ETUDE_SIM_PORT_BASE + ETUDE_SIM_ERROR, 0xB007u);
    etude_exit(1);
  }
  etude_fill_table();
  ETUDE_STATE->kernels_done = 0;
  const uint32_t team = (1u << workers) - 1;
  etude_write(ETUDE_EU_BARRIER_MASK, team);
  etude_write(ETUDE_EU_BARRIER_TARGET, team);
  etude_write(ETUDE_EU_DISPATCH_TEAM, controller ? team : team & ~1u);
  etude_interpret(hart, workers, controller);
  etude_exit(0);
}

float* etude_scratch(void) { return (float*)(ETUDE_L1_BASE + ETUDE_SCRATCH_OFFSET); }
