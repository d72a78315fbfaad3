/* SPDX-License-Identifier: Apache-2.0
 * What a program tells the checker of `etude-sim --check` (plain C). Declarations stand in sections
 * that are not loaded; buffers are marked by RV32I HINTs, one cycle each: nothing of it has an
 * effect on any core, so that the same program runs on silicon. */
#ifndef ETUDE_CHECK_H
#define ETUDE_CHECK_H

/* At file scope: the words of the object `name`, `bytes` (a number) long, are flags. A store hands
 * on what its hart has done before, a load takes it over. */
#define ETUDE_CHECK_FLAG_OBJECT(name, bytes) \
  __asm__(".pushsection .etude.flags,\"\",@progbits\n.4byte " #name ", " #bytes "\n.popsection")
/* Inside a function, by constants: the words of [address, address + bytes). */
#define ETUDE_CHECK_FLAG(address, bytes)                                                  \
  __asm__ volatile(".pushsection .etude.flags,\"\",@progbits\n.4byte %0, %1\n.popsection" \
                   :                                                                      \
                   : "i"(address), "i"(bytes))
/* Inside a function: `count` stacks of `bytes` each, one behind the other from `address` on. */
#define ETUDE_CHECK_STACKS(address, bytes, count)                                              \
  __asm__ volatile(".pushsection .etude.stacks,\"\",@progbits\n.4byte %0, %1, %2\n.popsection" \
                   :                                                                           \
                   : "i"(address), "i"(bytes), "i"(count))

/* [p, p + n) is given out by an allocator: its contents are undefined. */
#define ETUDE_CHECK_GIVE(p, n) __asm__ volatile("slt zero, %0, %1" : : "r"(p), "r"(n) : "memory")
/* The buffer that begins at p is given back: nobody may touch it any more. */
#define ETUDE_CHECK_TAKE_BACK(p) __asm__ volatile("sltu zero, %0, %0" : : "r"(p) : "memory")

#endif
