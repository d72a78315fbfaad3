/* SPDX-License-Identifier: Apache-2.0
 * Where the code of decoding lies: in runtime_decode.elf at a place of its own behind the other
 * kernels' 63 KiB, where data begin in steps without it (link.ld). What is dispatched is a jump
 * there, because a dispatched word reaches 64 KiB. */
#ifndef ETUDE_LIB_CODEC_DECODE_H
#define ETUDE_LIB_CODEC_DECODE_H
#include <stdint.h>

#ifdef __riscv
#define ETUDE_DECODE_CODE __attribute__((section(".decode")))
/* void etude_NAME(args, worker, workers), which is the body behind the macro. */
#define ETUDE_DECODE_ENTRY(name)                                                                   \
  __asm__(".pushsection .rare.near,\"ax\"\n.balign 2\n.globl etude_" #name "\n.type etude_" #name  \
          ", @function\netude_" #name                                                              \
          ":\n.option push\n.option norvc\nlui t0, %hi(etude_far_" #name                           \
          ")\njalr x0, %lo(etude_far_" #name ")(t0)\n.option pop\n.size etude_" #name              \
          ", . - etude_" #name "\n.popsection\n");                                                 \
  ETUDE_DECODE_CODE __attribute__((used)) void etude_far_##name(const void* args, uint32_t worker, \
                                                                uint32_t workers)
#else
#define ETUDE_DECODE_CODE
#define ETUDE_DECODE_ENTRY(name) \
  void etude_##name(const void* args, uint32_t worker, uint32_t workers)
#endif
#endif
