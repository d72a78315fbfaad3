/* SPDX-License-Identifier: Apache-2.0
 * The cluster DMA as the interpreter uses it: transfers are started in order and retired in order.
 * Source of the registers: MCHAN v7 and the iDMA front end of pulp_cluster. */
#ifndef ETUDE_KERNELS_DMA_H
#define ETUDE_KERNELS_DMA_H
#include "kernels/runtime/runtime.h"

#define ETUDE_MCHAN_CMD (ETUDE_DMA_DEMUX_BASE + 0x0u)
#define ETUDE_MCHAN_STATUS (ETUDE_DMA_DEMUX_BASE + 0x4u)
#define ETUDE_MCHAN_TO_L1 (1u << 17)
#define ETUDE_MCHAN_INCREMENT (1u << 18)
#define ETUDE_MCHAN_2D_EXT (1u << 19)
#define ETUDE_MCHAN_EVENT (1u << 20)
#define ETUDE_MCHAN_2D_TCDM (1u << 23)
#define ETUDE_MCHAN_MAX_BYTES 0x1FFFCu /* 17-bit length, whole words */

#define ETUDE_IDMA_SRC (ETUDE_DMA_DEMUX_BASE + 0x00u)
#define ETUDE_IDMA_DST (ETUDE_DMA_DEMUX_BASE + 0x04u)
#define ETUDE_IDMA_NUM_BYTES (ETUDE_DMA_DEMUX_BASE + 0x08u)
#define ETUDE_IDMA_CONF (ETUDE_DMA_DEMUX_BASE + 0x0Cu) /* bit 3: two-dimensional */
#define ETUDE_IDMA_STRIDE_SRC (ETUDE_DMA_DEMUX_BASE + 0x10u)
#define ETUDE_IDMA_STRIDE_DST (ETUDE_DMA_DEMUX_BASE + 0x14u)
#define ETUDE_IDMA_REPS (ETUDE_DMA_DEMUX_BASE + 0x18u)
#define ETUDE_IDMA_NEXT_ID (ETUDE_DMA_DEMUX_BASE + 0x20u)
#define ETUDE_IDMA_DONE (ETUDE_DMA_DEMUX_BASE + 0x24u)

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

/* Starts rows x row_bytes; waits while ETUDE_DMA_IN_FLIGHT transfers are under way. */
void etude_dma_start(struct etude_dma* dma, uint32_t to_l1, uint32_t l1, uint32_t l2,
                     uint32_t row_bytes, uint32_t rows, uint32_t l1_pitch, uint32_t l2_pitch,
                     uint32_t tag);
/* Retires what has finished. */
void etude_dma_poll(struct etude_dma* dma);
/* Sleeps until `count` transfers of `tag` are retired. */
void etude_dma_wait(struct etude_dma* dma, uint32_t tag, uint32_t count);
#endif
