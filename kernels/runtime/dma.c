/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/runtime/dma.h"

void etude_dma_poll(struct etude_dma* dma) {
  uint32_t head = dma->head;
  const uint32_t tail = dma->tail;
  if (head == tail) {
    return;
  }
  if (dma->idma) {
    const uint32_t done = etude_read(ETUDE_IDMA_DONE);
    while (head != tail) {
      const uint32_t entry = dma->in_flight[head & 15];
      if ((int32_t)((done << 8) - (entry & ~0xFFu)) < 0) {
        break;
      }
      dma->done[entry & 3]++;
      head++;
    }
  } else {
    const uint32_t active = etude_read(ETUDE_MCHAN_STATUS);
    uint32_t release = 0;
    while (head != tail) {
      const uint32_t entry = dma->in_flight[head & 15];
      const uint32_t bit = 1u << (entry >> 8);
      if (active & bit) {
        break;
      }
      release |= bit;
      dma->done[entry & 3]++;
      head++;
    }
    if (release) {
      etude_write(ETUDE_MCHAN_STATUS, release);
    }
  }
  dma->head = head;
}

/* The event is sticky: what finishes between the poll and the sleep ends the sleep at once. */
void etude_dma_wait(struct etude_dma* dma, uint32_t tag, uint32_t count) {
  for (;;) {
    if ((int32_t)(dma->done[tag] - count) >= 0) {
      return;
    }
    etude_dma_poll(dma);
    if ((int32_t)(dma->done[tag] - count) >= 0) {
      return;
    }
    etude_sleep(1u << ETUDE_EVENT_DMA);
  }
}

static void make_room(struct etude_dma* dma) {
  while (dma->tail - dma->head >= ETUDE_DMA_IN_FLIGHT) {
    const uint32_t head = dma->head;
    etude_dma_poll(dma);
    if (dma->head == head) {
      etude_sleep(1u << ETUDE_EVENT_DMA);
    }
  }
}

static void start_mchan(struct etude_dma* dma, uint32_t to_l1, uint32_t l1, uint32_t l2,
                        uint32_t row_bytes, uint32_t rows, uint32_t l1_pitch, uint32_t l2_pitch,
                        uint32_t tag) {
  uint32_t command = ETUDE_MCHAN_INCREMENT | ETUDE_MCHAN_EVENT | rows * row_bytes;
  if (to_l1) {
    command |= ETUDE_MCHAN_TO_L1;
  }
  const uint32_t id = etude_read(ETUDE_MCHAN_CMD) & 15u;
  if (rows > 1 && l2_pitch != row_bytes) {
    command |= ETUDE_MCHAN_2D_EXT;
  }
  if (rows > 1 && l1_pitch != row_bytes) {
    command |= ETUDE_MCHAN_2D_TCDM;
  }
  etude_write(ETUDE_MCHAN_CMD, command);
  etude_write(ETUDE_MCHAN_CMD, l1);
  etude_write(ETUDE_MCHAN_CMD, l2);
  if (command & ETUDE_MCHAN_2D_EXT) {
    etude_write(ETUDE_MCHAN_CMD, row_bytes);
    etude_write(ETUDE_MCHAN_CMD, l2_pitch);
  }
  if (command & ETUDE_MCHAN_2D_TCDM) {
    etude_write(ETUDE_MCHAN_CMD, row_bytes);
    etude_write(ETUDE_MCHAN_CMD, l1_pitch);
  }
  dma->in_flight[dma->tail++ & 15] = id << 8 | tag;
}

static void start_idma(struct etude_dma* dma, uint32_t to_l1, uint32_t l1, uint32_t l2,
                       uint32_t row_bytes, uint32_t rows, uint32_t l1_pitch, uint32_t l2_pitch,
                       uint32_t tag) {
  etude_write(ETUDE_IDMA_SRC, to_l1 ? l2 : l1);
  etude_write(ETUDE_IDMA_DST, to_l1 ? l1 : l2);
  etude_write(ETUDE_IDMA_NUM_BYTES, row_bytes);
  etude_write(ETUDE_IDMA_CONF, rows > 1 ? 8u : 0u);
  if (rows > 1) {
    etude_write(ETUDE_IDMA_STRIDE_SRC, to_l1 ? l2_pitch : l1_pitch);
    etude_write(ETUDE_IDMA_STRIDE_DST, to_l1 ? l1_pitch : l2_pitch);
    etude_write(ETUDE_IDMA_REPS, rows);
  }
  const uint32_t id = etude_read(ETUDE_IDMA_NEXT_ID);
  dma->in_flight[dma->tail++ & 15] = id << 8 | tag;
}

void etude_dma_start(struct etude_dma* dma, uint32_t to_l1, uint32_t l1, uint32_t l2,
                     uint32_t row_bytes, uint32_t rows, uint32_t l1_pitch, uint32_t l2_pitch,
                     uint32_t tag) {
  if (dma->tail - dma->head >= ETUDE_DMA_IN_FLIGHT) {
    make_room(dma);
  }
  if (dma->idma) {
    start_idma(dma, to_l1, l1, l2, row_bytes, rows, l1_pitch, l2_pitch, tag);
    return;
  }
  /* MCHAN's length field has 17 bits: longer operations are cut, and the last piece carries the
   * tag. */
  while (rows * row_bytes > ETUDE_MCHAN_MAX_BYTES) {
    if (rows > 1) {
      const uint32_t piece = ETUDE_MCHAN_MAX_BYTES / row_bytes;
      start_mchan(dma, to_l1, l1, l2, row_bytes, piece, l1_pitch, l2_pitch, ETUDE_DMA_PART);
      l1 += piece * l1_pitch;
      l2 += piece * l2_pitch;
      rows -= piece;
    } else {
      start_mchan(dma, to_l1, l1, l2, ETUDE_MCHAN_MAX_BYTES, 1, 0, 0, ETUDE_DMA_PART);
      l1 += ETUDE_MCHAN_MAX_BYTES;
      l2 += ETUDE_MCHAN_MAX_BYTES;
      row_bytes -= ETUDE_MCHAN_MAX_BYTES;
    }
    if (dma->tail - dma->head >= ETUDE_DMA_IN_FLIGHT) {
      make_room(dma);
    }
  }
  start_mchan(dma, to_l1, l1, l2, row_bytes, rows, l1_pitch, l2_pitch, tag);
}
