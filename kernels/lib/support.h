/* SPDX-License-Identifier: Apache-2.0
 * What kernels share: simulated addresses as pointers, the split of work over workers, hardware
 * loops. On a RISC-V core with the CORE-V extensions the inner loops are inline assembly; elsewhere
 * (the tests on the host) the same loops in C. */
#ifndef ETUDE_LIB_SUPPORT_H
#define ETUDE_LIB_SUPPORT_H
#include <stdint.h>

#include "kernels/include/etude_kernels.h"
#include "kernels/lib/kernels.h"

#if defined(__riscv) && defined(__riscv_xcvmem)
#define ETUDE_ASM 1
#else
#define ETUDE_ASM 0
#endif

/* What few steps run: it lies behind the others, so that these lie where they lay. */
#ifdef __riscv
#define ETUDE_RARE __attribute__((section(".rare")))
#else
#define ETUDE_RARE
#endif

#define ETUDE_F(address) ((float*)(uintptr_t)(address))
#define ETUDE_W(address) ((uint32_t*)(uintptr_t)(address))
#define ETUDE_H(address) ((_Float16*)(uintptr_t)(address))

/* Head of a hardware loop of `words` 32-bit instructions that runs %[n] > 0 times. The body must be
 * at least 3 instructions and must not branch. The assembler's alignment padding has to come before
 * compressed instructions are forbidden, else it cannot be a no-operation. */
#define ETUDE_HWLOOP(words)                                   \
  ".balign 4\n.option push\n.option norvc\n.option norelax\n" \
  ".insn i 0x2b, 4, x14, %[n], " #words " + 1\n"
#define ETUDE_HWLOOP_END ".option pop\n"

static inline uint32_t etude_min(uint32_t a, uint32_t b) { return a < b ? a : b; }

struct etude_range {
  uint32_t begin, count;
};

/* Share of worker `worker` in `total` things: contiguous, sizes differ by at most one. A division
 * by a small number takes some 30 cycles, so powers of two are shifted. */
static inline struct etude_range etude_split(uint32_t total, uint32_t worker, uint32_t workers) {
  const uint32_t each =
      (workers & (workers - 1)) == 0 ? total >> __builtin_ctz(workers) : total / workers;
  const uint32_t extra = total - each * workers;
  struct etude_range range = {each * worker + etude_min(worker, extra),
                              each + (worker < extra ? 1u : 0u)};
  return range;
}

/* The barrier of all workers, inside a kernel that needs a second phase. */
void etude_barrier(void);
/* One line of 4 words per worker for partial results. */
float* etude_scratch(void);

static inline float etude_from_bits(uint32_t bits) {
  union {
    uint32_t u;
    float f;
  } value = {bits};
  return value.f;
}

/* The share of a worker in a [rows, cols] matrix, as pieces of rows: sets row, col and n for each
 * piece and runs the statement behind the macro. `dense`: no operand has gaps between its rows, so
 * the matrix is one long row. */
#define ETUDE_FOR_PIECES(rows_, cols_, dense_, worker_, workers_)                           \
  for (struct etude_pieces p_ = etude_first_piece(rows_, cols_, dense_, worker_, workers_); \
       p_.left != 0 && (p_.n = etude_min(p_.left, p_.cols - p_.col), 1);                    \
       p_.left -= p_.n, p_.row++, p_.col = 0)

struct etude_pieces {
  uint32_t cols, row, col, left, n;
};

/* Workers run through their shares in step, a few cycles apart at most, so equal distances between
 * the starts modulo the banks would make them ask for the same banks all the way. Large dense
 * shares are therefore made a multiple of 16 words plus 16 / workers; the last one is shorter. */
static inline struct etude_pieces etude_first_piece(uint32_t rows, uint32_t cols, int dense,
                                                    uint32_t worker, uint32_t workers) {
  const uint32_t total = rows * cols;
  struct etude_range range = etude_split(total, worker, workers);
  struct etude_pieces p = {total, 0, range.begin, range.count, 0};
  if (!dense) {
    p.cols = cols;
    p.row = range.begin / cols;
    p.col = range.begin - p.row * cols;
  } else if (total >= 256 * workers && workers > 1) {
    const uint32_t each = etude_split(total, 0, workers).count;
    const uint32_t share = each + ((etude_split(16, 0, workers).count - each) & 15);
    p.col = share * worker;
    p.left = p.col < total ? etude_min(share, total - p.col) : 0;
  }
  return p;
}

static inline void etude_copy_words(uint32_t* dst, const uint32_t* src, uint32_t n) {
#if ETUDE_ASM
  const uint32_t quads = n >> 2;
  if (quads) {
    uint32_t t0, t1, t2, t3;
    __asm__ volatile(ETUDE_HWLOOP(8)
                     "cv.lw %[t0], (%[src]), 4\n"
                     "cv.lw %[t1], (%[src]), 4\n"
                     "cv.lw %[t2], (%[src]), 4\n"
                     "cv.lw %[t3], (%[src]), 4\n"
                     "cv.sw %[t0], (%[dst]), 4\n"
                     "cv.sw %[t1], (%[dst]), 4\n"
                     "cv.sw %[t2], (%[dst]), 4\n"
                     "cv.sw %[t3], (%[dst]), 4\n" ETUDE_HWLOOP_END
                     : [src] "+&r"(src), [dst] "+&r"(dst), [t0] "=&r"(t0), [t1] "=&r"(t1),
                       [t2] "=&r"(t2), [t3] "=&r"(t3)
                     : [n] "r"(quads)
                     : "memory");
    n &= 3;
  }
#endif
  for (; n; n--) {
    *dst++ = *src++;
  }
}

static inline void etude_zero_words(uint32_t* dst, uint32_t n) {
#if ETUDE_ASM
  const uint32_t quads = n >> 2;
  if (quads) {
    __asm__ volatile(ETUDE_HWLOOP(4)
                     "cv.sw x0, (%[dst]), 4\n"
                     "cv.sw x0, (%[dst]), 4\n"
                     "cv.sw x0, (%[dst]), 4\n"
                     "cv.sw x0, (%[dst]), 4\n" ETUDE_HWLOOP_END
                     : [dst] "+&r"(dst)
                     : [n] "r"(quads)
                     : "memory");
    n &= 3;
  }
#endif
  for (; n; n--) {
    *dst++ = 0;
  }
}
#endif
