/* SPDX-License-Identifier: Apache-2.0
 * Operators that only write: a constant, a row repeated. */
#include "kernels/lib/support.h"

void etude_fill(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_fill_args* a = args;
  const uint32_t value = a->value;
  ETUDE_FOR_PIECES(a->rows, a->cols, a->pitch_dst == a->cols, worker, workers) {
    uint32_t* dst = ETUDE_W(a->dst) + p_.row * a->pitch_dst + p_.col;
    uint32_t n = p_.n;
#if ETUDE_ASM
    const uint32_t quads = n >> 2;
    if (quads) {
      __asm__ volatile(ETUDE_HWLOOP(4)
                       "cv.sw %[v], (%[dst]), 4\n"
                       "cv.sw %[v], (%[dst]), 4\n"
                       "cv.sw %[v], (%[dst]), 4\n"
                       "cv.sw %[v], (%[dst]), 4\n" ETUDE_HWLOOP_END
                       : [dst] "+&r"(dst)
                       : [n] "r"(quads), [v] "r"(value)
                       : "memory");
      n &= 3;
    }
#endif
    for (; n; n--) {
      *dst++ = value;
    }
  }
}

void etude_broadcast_row(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_broadcast_row_args* a = args;
  ETUDE_FOR_PIECES(a->rows, a->cols, 0, worker, workers) {
    const uint32_t* src = ETUDE_W(a->row) + p_.col;
    uint32_t* dst = ETUDE_W(a->dst) + p_.row * a->pitch_dst + p_.col;
    etude_copy_words(dst, src, p_.n);
  }
}
