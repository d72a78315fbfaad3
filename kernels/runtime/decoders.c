/* SPDX-License-Identifier: Apache-2.0
 * The kernels that decode, which only runtime_decode.elf has: its linker sends whoever fills the
 * table here first (--wrap). */
#include "kernels/lib/kernels.h"
#include "kernels/runtime/runtime.h"

void __real_etude_fill_table(void);

__attribute__((section(".rare.near"))) void __wrap_etude_fill_table(void) {
  __real_etude_fill_table();
#define ETUDE_KERNEL_ENTRY(e, number, name, args)              \
  if (number >= ETUDE_KERNEL_DECODE_INT8) {                    \
    ETUDE_TABLE[number] = (uint32_t)(uintptr_t)(etude_##name); \
  }
  ETUDE_KERNEL_LIST(ETUDE_KERNEL_ENTRY)
#undef ETUDE_KERNEL_ENTRY
}
