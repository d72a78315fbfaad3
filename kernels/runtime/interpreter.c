/* SPDX-License-Identifier: Apache-2.0
 * The task-list interpreter. Operations come from L2 through a ring in L1, four chunks of eight:
 * while one chunk is interpreted, DMA transfers bring the next ones. Kernels read their arguments
 * in the ring itself, so a chunk is overwritten only after its kernels are done. */
#include "kernels/runtime/dma.h"
#include "kernels/runtime/redmule.h"
#include "kernels/runtime/runtime.h"

/* The dispatch FIFO has 8 entries and no back-pressure. */
#define MAX_KERNELS_AHEAD 7u
#define MAX_SOC_DMA_AHEAD 4u

struct run {
  struct etude_dma dma;
  struct etude_redmule redmule;
  uint32_t workers, controller;
  uint32_t kernels_posted, kernels_base; /* base: count at the start of the step */
  uint32_t soc_posted, soc_base;
  uint32_t list, ops; /* address of operation 0; number */
  uint32_t window;    /* bytes of the list that are in L2, less one */
  uint32_t chunks, next_chunk;
  uint32_t kernels_until[ETUDE_RING_CHUNKS]; /* kernels posted when the chunk was left */
};

/* The loop below should fit the controller's private instruction cache (512 bytes): what is rare or
 * slow anyway stands elsewhere. */
#define RARE __attribute__((noinline, cold))

static RARE void fail(uint32_t code) {
  etude_write(ETUDE_SIM_PORT_BASE + ETUDE_SIM_ERROR, code);
  etude_exit(1);
}

static inline uint32_t kernels_done(const struct run* run) {
  return ETUDE_STATE->kernels_done - run->kernels_base;
}

static inline void wait_kernels(const struct run* run, uint32_t count) {
  while ((int32_t)(kernels_done(run) - count) < 0) {
    etude_sleep(1u << ETUDE_SW_EVENT_KERNEL_DONE);
  }
}

static inline uint32_t soc_done(const struct run* run) {
  return etude_read(ETUDE_SOC_DMA_BASE + ETUDE_SOC_DMA_DONE) - run->soc_base;
}

static RARE void wait_soc_dma(const struct run* run, uint32_t count) {
  while ((int32_t)(soc_done(run) - count) < 0) {
    etude_sleep(1u << ETUDE_EVENT_SOC);
  }
}

/* Asks for the next chunk. */
static inline void fetch_chunk(struct run* run) {
  const uint32_t offset = run->next_chunk * ETUDE_RING_CHUNK_BYTES;
  const uint32_t left = run->ops * (uint32_t)sizeof(struct etude_op) - offset;
  run->next_chunk++;
  etude_dma_fetch(&run->dma,
                  ETUDE_L1_BASE + ETUDE_RING_OFFSET +
                      (offset & (ETUDE_RING_CHUNKS * ETUDE_RING_CHUNK_BYTES - 1)),
                  run->list + (offset & run->window),
                  left < ETUDE_RING_CHUNK_BYTES ? left : ETUDE_RING_CHUNK_BYTES, ETUDE_DMA_RING);
}

/* Brings further chunks as long as their place in the ring is free. `current`: chunk that is being
 * interpreted. */
static inline void fetch_ahead(struct run* run, uint32_t current) {
  const uint32_t end =
      current + ETUDE_RING_CHUNKS < run->chunks ? current + ETUDE_RING_CHUNKS : run->chunks;
  while (run->next_chunk < end) {
    const uint32_t chunk = run->next_chunk;
    if (chunk >= ETUDE_RING_CHUNKS &&
        (int32_t)(kernels_done(run) - run->kernels_until[chunk & (ETUDE_RING_CHUNKS - 1)]) < 0) {
      return;
    }
    fetch_chunk(run);
  }
}

/* The chunk itself could not be asked for, because kernels still read their arguments in its place.
 */
static RARE void fetch_late(struct run* run, uint32_t chunk) {
  wait_kernels(run, run->kernels_until[chunk & (ETUDE_RING_CHUNKS - 1)]);
  fetch_ahead(run, chunk);
}

/* Makes sure that `chunk` is in the ring. */
static __attribute__((noinline)) void enter_chunk(struct run* run, uint32_t chunk) {
  if (chunk != 0) {
    run->kernels_until[(chunk - 1) & (ETUDE_RING_CHUNKS - 1)] = run->kernels_posted;
  }
  fetch_ahead(run, chunk);
  if (run->next_chunk <= chunk) {
    fetch_late(run, chunk);
  }
  etude_dma_wait(&run->dma, ETUDE_DMA_RING, chunk + 1);
}

/* No controller: this hart is worker 0, and a kernel is over when it goes on. */
static RARE void run_kernel_here(struct run* run, uint32_t entry, uint32_t word,
                                 const struct etude_op* op) {
  if (run->workers > 1) {
    etude_write(ETUDE_EU_DISPATCH_FIFO, word);
  }
  ((etude_kernel_fn)entry)(&op->arg[1], 0, run->workers);
  etude_barrier();
  ETUDE_STATE->kernels_done++;
}

static inline void run_kernel(struct run* run, const struct etude_op* op) {
  const uint32_t kernel = op->arg[0];
  const uint32_t entry = kernel < ETUDE_TABLE_ENTRIES ? ETUDE_TABLE[kernel] : 0;
  if (entry == 0) {
    fail(0x100u + kernel);
  }
  const uint32_t word =
      (uint32_t)((uintptr_t)&op->arg[1] - ETUDE_L1_BASE) << 16 | (entry - ETUDE_BOOT_ADDRESS);
  run->kernels_posted++;
  if (run->controller) {
    if (run->kernels_posted > MAX_KERNELS_AHEAD) {
      wait_kernels(run, run->kernels_posted - MAX_KERNELS_AHEAD);
    }
    etude_write(ETUDE_EU_DISPATCH_FIFO, word);
    return;
  }
  run_kernel_here(run, entry, word, op);
}

static RARE void run_soc_dma(struct run* run, const struct etude_op* op) {
  if (++run->soc_posted > MAX_SOC_DMA_AHEAD) {
    wait_soc_dma(run, run->soc_posted - MAX_SOC_DMA_AHEAD);
  }
  etude_write(ETUDE_SOC_DMA_BASE + ETUDE_SOC_DMA_SRC, op->arg[0]);
  etude_write(ETUDE_SOC_DMA_BASE + ETUDE_SOC_DMA_DST, op->arg[1]);
  etude_write(ETUDE_SOC_DMA_BASE + ETUDE_SOC_DMA_LEN, op->arg[2]);
  etude_write(ETUDE_SOC_DMA_BASE + ETUDE_SOC_DMA_STRIDE, op->arg[3]);
  etude_write(ETUDE_SOC_DMA_BASE + ETUDE_SOC_DMA_REPS, op->arg[4]);
  (void)etude_read(ETUDE_SOC_DMA_BASE + ETUDE_SOC_DMA_START);
}

static RARE void run_rare_wait(struct run* run, uint32_t unit, uint32_t count) {
  if (unit == ETUDE_UNIT_REDMULE) {
    etude_redmule_wait(&run->redmule, count);
  } else {
    wait_soc_dma(run, count);
  }
}

static void run_step(struct run* run) {
  run->list = ETUDE_BOOT->task_list + ETUDE_TASK_FIRST_OP;
  run->chunks = (run->ops + ETUDE_RING_CHUNK_OPS - 1) / ETUDE_RING_CHUNK_OPS;
  run->next_chunk = 0;
  run->kernels_posted = 0;
  run->kernels_base = ETUDE_STATE->kernels_done;
  run->soc_posted = 0;
  run->soc_base = etude_read(ETUDE_SOC_DMA_BASE + ETUDE_SOC_DMA_DONE);
  run->redmule.posted = run->redmule.done = 0;
  for (uint32_t tag = 0; tag < 3; tag++) {
    run->dma.done[tag] = 0;
  }
  uint32_t dma_posted = 0;

  const uint32_t ops = run->ops;
  for (uint32_t i = 0; i < ops; i++) {
    etude_write(ETUDE_SIM_PORT_BASE + ETUDE_SIM_OP_BEGIN, i);
    if (i % ETUDE_RING_CHUNK_OPS == 0) {
      enter_chunk(run, i / ETUDE_RING_CHUNK_OPS);
    }
    const struct etude_op* op = &ETUDE_RING[i & (ETUDE_RING_CHUNKS * ETUDE_RING_CHUNK_OPS - 1)];
    const uint32_t code = op->code;
    if (code == ETUDE_OP_WAIT) {
      const uint32_t unit = op->arg[0], count = op->arg[1];
      if (unit == ETUDE_UNIT_CORES) {
        wait_kernels(run, count);
      } else if (unit == ETUDE_UNIT_DMA) {
        etude_dma_wait(&run->dma, ETUDE_DMA_OPERATION, count);
      } else {
        run_rare_wait(run, unit, count);
      }
    } else if (code == ETUDE_OP_KERNEL) {
      run_kernel(run, op);
    } else if (code == ETUDE_OP_DMA) {
      dma_posted++;
      etude_dma_start(&run->dma, op->arg, ETUDE_DMA_OPERATION);
    } else if (code == ETUDE_OP_REDMULE) {
      etude_redmule_start(&run->redmule, op->arg);
    } else if (code == ETUDE_OP_SOC_DMA) {
      run_soc_dma(run, op);
    } else if (code == ETUDE_OP_END) {
      break;
    } else {
      fail(0x200u + code);
    }
  }
  etude_dma_wait(&run->dma, ETUDE_DMA_OPERATION, dma_posted);
  wait_kernels(run, run->kernels_posted);
  etude_redmule_wait(&run->redmule, run->redmule.posted);
  wait_soc_dma(run, run->soc_posted);
  etude_write(ETUDE_SIM_PORT_BASE + ETUDE_SIM_STEP_END, 0);
}

void etude_interpret(uint32_t hart, uint32_t workers, uint32_t controller) {
  struct run run;
  run.workers = workers;
  run.controller = controller;
  run.dma.idma = ETUDE_BOOT->dma_engine;
  run.dma.head = run.dma.tail = 0;
  etude_redmule_init(&run.redmule, ETUDE_BOOT->redmule);
  while (etude_read(ETUDE_SIM_PORT_BASE + ETUDE_SIM_NEXT_STEP)) {
    const volatile struct etude_task_header* header =
        (const volatile struct etude_task_header*)ETUDE_BOOT->task_list;
    run.ops = header->op_count;
    run.window = header->window - 1; /* none: all of it */
    if (header->magic != ETUDE_TASK_MAGIC || header->version != ETUDE_TASK_VERSION) {
      fail(0x300u);
    }
    run_step(&run);
  }
}
