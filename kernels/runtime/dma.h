/* SPDX-License-Identifier: Apache-2.0
 * The cluster DMA as the interpreter uses it: transfers are started in order and retired in order.
 * Source of the registers: MCHAN v7 and the iDMA front end of pulp_cluster. */
#ifndef ETUDE_KERNELS_DMA_H
#define ETUDE_KERNELS_DMA_H
#include "kernels/runtime/runtime.h"
#include "models/dma/idma_regs.h"
#include "models/dma/mchan_regs.h"

#define MCHAN(reg) (ETUDE_DMA_DEMUX_BASE + ETUDE_MCHAN_##reg)
#define IDMA(reg) (ETUDE_DMA_DEMUX_BASE + ETUDE_IDMA_##reg)
#define ETUDE_MCHAN_MAX_BYTES 0x1FFFCu /* of the 17-bit length, in whole words */

/* MCHAN has 16 transfer ids; one more request than that would never be answered. The ring's
 * transfers take part. */
#define ETUDE_DMA_IN_FLIGHT 12u

enum etude_dma_tag { ETUDE_DMA_PART = 0, ETUDE_DMA_OPERATION = 1, ETUDE_DMA_RING = 2 };

/* Transfers under way, oldest first, and how many operations and ring chunks have been brought. */
struct etude_dma {
  uint32_t idma;          /* 0 MCHAN, 1 iDMA */
  uint32_t head, tail;    /* retired, started (counts) */
  uint32_t done[3];       /* retired, by etude_dma_tag */
  uint32_t in_flight[16]; /* id << 8 | tag */
};

/* What any engine and any transfer can need: waits for room, cuts what is too long (dma.c). */
void etude_dma_start_any(struct etude_dma* dma, const uint32_t* arg, uint32_t tag);
void etude_dma_fetch_any(struct etude_dma* dma, uint32_t l1, uint32_t l2, uint32_t bytes,
                         uint32_t tag);
/* Retires what has finished and sleeps until `count` transfers of `tag` are (dma.c). */
void etude_dma_sleep(struct etude_dma* dma, uint32_t tag, uint32_t count);

/* Starts the transfer of the arguments of ETUDE_OP_DMA. The usual case is inline: on MCHAN a short
 * way to the last programming access is latency saved. */
static inline void etude_dma_start(struct etude_dma* dma, const uint32_t* arg, uint32_t tag) {
  const uint32_t tail = dma->tail;
  const uint32_t row_bytes = arg[3], rows = arg[4];
  const uint32_t bytes = rows * row_bytes;
  if (dma->idma || tail - dma->head >= ETUDE_DMA_IN_FLIGHT || bytes > ETUDE_MCHAN_MAX_BYTES) {
    etude_dma_start_any(dma, arg, tag);
    return;
  }
  const uint32_t direction = (arg[0] ^ 1u) << 17; /* ETUDE_DMA_TO_L1 is 0 */
  uint32_t command = bytes + direction + (ETUDE_MCHAN_INCREMENT | ETUDE_MCHAN_EVENT);
  const uint32_t id = etude_read(MCHAN(CMD));
  if (rows == 1) {
    etude_write(MCHAN(CMD), command);
    etude_write(MCHAN(CMD), arg[1]);
    etude_write(MCHAN(CMD), arg[2]);
  } else {
    const uint32_t l1_pitch = arg[5], l2_pitch = arg[6];
    if (l2_pitch != row_bytes) {
      command |= ETUDE_MCHAN_2D_EXT;
    }
    if (l1_pitch != row_bytes) {
      command |= ETUDE_MCHAN_2D_L1;
    }
    etude_write(MCHAN(CMD), command);
    etude_write(MCHAN(CMD), arg[1]);
    etude_write(MCHAN(CMD), arg[2]);
    if (l2_pitch != row_bytes) {
      etude_write(MCHAN(CMD), row_bytes);
      etude_write(MCHAN(CMD), l2_pitch);
    }
    if (l1_pitch != row_bytes) {
      etude_write(MCHAN(CMD), row_bytes);
      etude_write(MCHAN(CMD), l1_pitch);
    }
  }
  dma->in_flight[tail & 15] = id << 8 | tag;
  dma->tail = tail + 1;
}

/* The same for a dense transfer of `bytes` to L1. */
static inline void etude_dma_fetch(struct etude_dma* dma, uint32_t l1, uint32_t l2, uint32_t bytes,
                                   uint32_t tag) {
  const uint32_t tail = dma->tail;
  if (dma->idma || tail - dma->head >= ETUDE_DMA_IN_FLIGHT) {
    etude_dma_fetch_any(dma, l1, l2, bytes, tag);
    return;
  }
  const uint32_t id = etude_read(MCHAN(CMD));
  etude_write(MCHAN(CMD), bytes | ETUDE_MCHAN_TO_L1 | ETUDE_MCHAN_INCREMENT | ETUDE_MCHAN_EVENT);
  etude_write(MCHAN(CMD), l1);
  etude_write(MCHAN(CMD), l2);
  dma->in_flight[tail & 15] = id << 8 | tag;
  dma->tail = tail + 1;
}

static inline void etude_dma_wait(struct etude_dma* dma, uint32_t tag, uint32_t count) {
  if ((int32_t)(dma->done[tag] - count) < 0) {
    etude_dma_sleep(dma, tag, count);
  }
}
#endif
