/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/runtime/dma.h"

static __attribute__((noinline, cold)) void poll_idma(struct etude_dma* dma) {
  const uint32_t done = etude_read(IDMA(DONE));
  for (; dma->head != dma->tail; dma->head++) {
    const uint32_t entry = dma->in_flight[dma->head & 15];
    if ((int32_t)((done << 8) - (entry & ~0xFFu)) < 0) {
      break;
    }
    dma->done[entry & 3]++;
  }
}

/* Retires, oldest first, what the engine reports as finished. */
static inline void poll(struct etude_dma* dma) {
  if (dma->idma) {
    poll_idma(dma);
    return;
  }
  uint32_t head = dma->head;
  const uint32_t tail = dma->tail;
  const uint32_t active = etude_read(MCHAN(STATUS));
  uint32_t release = 0;
  for (; head != tail; head++) {
    const uint32_t entry = dma->in_flight[head & 15];
    const uint32_t bit = 1u << (entry >> 8);
    if (active & bit) {
      break;
    }
    release |= bit;
    dma->done[entry & 3]++;
  }
  dma->head = head;
  if (release) {
    etude_write(MCHAN(STATUS), release);
  }
}

/* The event is sticky: what finishes between the poll and the sleep ends the sleep at once. */
void etude_dma_sleep(struct etude_dma* dma, uint32_t tag, uint32_t count) {
  for (;;) {
    poll(dma);
    if ((int32_t)(dma->done[tag] - count) >= 0) {
      return;
    }
    etude_sleep(1u << ETUDE_EVENT_DMA);
  }
}

static void make_room(struct etude_dma* dma) {
  while (dma->tail - dma->head >= ETUDE_DMA_IN_FLIGHT) {
    const uint32_t head = dma->head;
    poll(dma);
    if (dma->head == head) {
      etude_sleep(1u << ETUDE_EVENT_DMA);
    }
  }
}

static void start_idma(struct etude_dma* dma, const uint32_t* arg, uint32_t tag) {
  const uint32_t to_l1 = arg[0] == ETUDE_DMA_TO_L1, l1 = arg[1], l2 = arg[2], rows = arg[4];
  etude_write(IDMA(SRC), to_l1 ? l2 : l1);
  etude_write(IDMA(DST), to_l1 ? l1 : l2);
  etude_write(IDMA(NUM_BYTES), arg[3]);
  etude_write(IDMA(CONF), rows > 1 ? ETUDE_IDMA_CONF_2D : 0u);
  if (rows > 1) {
    etude_write(IDMA(STRIDE_SRC), to_l1 ? arg[6] : arg[5]);
    etude_write(IDMA(STRIDE_DST), to_l1 ? arg[5] : arg[6]);
    etude_write(IDMA(REPS), rows);
  }
  const uint32_t id = etude_read(IDMA(NEXT_ID));
  dma->in_flight[dma->tail++ & 15] = id << 8 | tag;
}

/* MCHAN's length field has 17 bits: longer operations are cut, and the last piece carries the
 * tag. */
void etude_dma_start_any(struct etude_dma* dma, const uint32_t* arg, uint32_t tag) {
  make_room(dma);
  if (dma->idma) {
    start_idma(dma, arg, tag);
    return;
  }
  uint32_t rest[7];
  for (uint32_t i = 0; i < 7; i++) {
    rest[i] = arg[i];
  }
  while (rest[3] * rest[4] > ETUDE_MCHAN_MAX_BYTES) {
    uint32_t piece[7];
    for (uint32_t i = 0; i < 7; i++) {
      piece[i] = rest[i];
    }
    if (rest[4] > 1) {
      piece[4] = ETUDE_MCHAN_MAX_BYTES / rest[3];
      rest[4] -= piece[4];
      rest[1] += piece[4] * rest[5];
      rest[2] += piece[4] * rest[6];
    } else {
      piece[3] = ETUDE_MCHAN_MAX_BYTES;
      rest[3] -= ETUDE_MCHAN_MAX_BYTES;
      rest[1] += ETUDE_MCHAN_MAX_BYTES;
      rest[2] += ETUDE_MCHAN_MAX_BYTES;
    }
    etude_dma_start(dma, piece, ETUDE_DMA_PART);
    make_room(dma);
  }
  etude_dma_start(dma, rest, tag);
}

void etude_dma_fetch_any(struct etude_dma* dma, uint32_t l1, uint32_t l2, uint32_t bytes,
                         uint32_t tag) {
  const uint32_t arg[7] = {ETUDE_DMA_TO_L1, l1, l2, bytes, 1, bytes, bytes};
  etude_dma_start_any(dma, arg, tag);
}
