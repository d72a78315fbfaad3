/* SPDX-License-Identifier: Apache-2.0
 * Which function implements each kernel. The table is code that writes L1, not a constant array: an
 * array would be read from L2 at each kernel. It runs once, and lies behind the kernels, so that
 * these lie where they lay when one is added. Those that decode are decoders.c's. */
#include "kernels/lib/kernels.h"
#include "kernels/lib/support.h"
#include "kernels/runtime/runtime.h"

_Static_assert(ETUDE_KERNELS <= ETUDE_TABLE_ENTRIES, "the kernel table is too small");

ETUDE_RARE void etude_fill_table(void) {
  for (uint32_t i = ETUDE_KERNEL_DECODE_INT8; i < ETUDE_TABLE_ENTRIES; i++) {
    ETUDE_TABLE[i] = 0;
  }
#define ETUDE_KERNEL_ENTRY(e, number, name, args)              \
  if (number < ETUDE_KERNEL_DECODE_INT8) {                     \
    ETUDE_TABLE[number] = (uint32_t)(uintptr_t)(etude_##name); \
  }
  ETUDE_KERNEL_LIST(ETUDE_KERNEL_ENTRY)
#undef ETUDE_KERNEL_ENTRY
}
