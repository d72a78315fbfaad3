/* SPDX-License-Identifier: Apache-2.0
 * Marks of regions for `etude-sim elf`: which cycles belong together, whatever function they are
 * in. A mark is one RV32I instruction that does nothing on any core (a HINT for custom use), so
 * that the same program runs on silicon. Regions nest; a hart marks its own. */
#ifndef ETUDE_REGION_H
#define ETUDE_REGION_H

/* Begins region `number`, a constant from 1 to 2047. */
#define ETUDE_REGION_BEGIN(number) \
  __asm__ volatile("slti zero, zero, %0" : : "i"(number) : "memory")
/* Ends the innermost region. */
#define ETUDE_REGION_END() __asm__ volatile("slti zero, zero, 0" : : : "memory")
/* At file scope: the name of region `number` in reports. Nothing of it is loaded. */
#define ETUDE_REGION_NAME(number, name)                                                    \
  __asm__(".pushsection .etude.regions,\"\",@progbits\n.4byte " #number "\n.asciz \"" name \
          "\"\n"                                                                           \
          ".popsection")

#endif
