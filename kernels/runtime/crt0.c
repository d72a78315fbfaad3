/* SPDX-License-Identifier: Apache-2.0
 * Entry of every hart: finds its stack and calls etude_main. The stack of the interpreter's hart
 * lies behind the runtime's own L1, the workers' stacks behind that (etude_boot.h). Stacks start 16
 * bytes apart from a common alignment, so that harts that save registers together do not all ask
 * for one bank. */
#include <stddef.h>

#include "kernels/runtime/runtime.h"

_Static_assert(ETUDE_L1_STACK_BYTES == 1024, "the shift below");

/* Assembly in C, so that the constants come from the shared headers. */
__attribute__((naked, section(".text.start"), used)) void _start(void) {
  __asm__ volatile(
      "csrr a0, mhartid\n"
      "andi a0, a0, 0x1f\n"
      "li t0, %[boot]\n"
      "lw a1, %[workers](t0)\n"
      "lw a2, %[controller](t0)\n"
      "li sp, %[stack]\n"
      "beq a0, a1, 1f\n" /* the controller hart */
      "bnez a2, 2f\n"
      "beqz a0, 1f\n" /* no controller: hart 0 interprets as well */
      "2:\n"
      "addi t3, a0, 1\n"
      "slli t3, t3, 10\n"
      "add sp, sp, t3\n"
      "andi t3, a0, 3\n"
      "slli t3, t3, 4\n"
      "sub sp, sp, t3\n"
      "1:\n"
      "call etude_main\n"
      "3:\n"
      "wfi\n"
      "j 3b\n" ::[boot] "i"(ETUDE_BOOT_ADDRESS),
      [workers] "i"(offsetof(struct etude_boot, workers)),
      [controller] "i"(offsetof(struct etude_boot, controller)),
      [stack] "i"(ETUDE_L1_BASE + ETUDE_L1_RUNTIME_BYTES + ETUDE_L1_CONTROLLER_STACK_BYTES));
}
