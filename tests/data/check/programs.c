/* SPDX-License-Identifier: Apache-2.0
 * Programs with one defect each, and some without; -DCASE says which. The kinds are those that
 * cluster code is known for. */
#include "tests/data/check/cluster.h"

enum {
  clean_parallel_loop,
  missing_barrier,     /* after a parallel loop */
  early_copy_out,      /* the transfer out is posted before the others have computed */
  wrong_copy_waited,   /* the other transfer's id is waited for */
  buffer_reused_early, /* the source is written again before the transfer out is over */
  clean_double_buffer,
  idma_clean,
  idma_too_early,
  job_reads_undefined,
  job_result_early,
  job_result_stored_wide, /* rows past the end of Z */
  clean_rows,             /* two transfers fill alternating rows */
  stack_overflow,
  lost_event,
  mutex_deadlock,
  clean_mutex,
  clean_flag,
  flag_by_hand,
  buffer_overrun,
  buffer_freed_twice,
  buffer_used_after,
  buffer_given_again, /* a smaller one in its place: what is behind it is still dead */
  l2_race,
  l2_undefined,
  clean_self_trigger,
  copy_left_half,
  misaligned_half,
  barrier_never_set,
  copy_past_buffer, /* what lies behind is written, too */
  copy_of_nothing,
  freed_in_flight,    /* while a transfer fills it */
  freed_under_job,    /* while RedMulE reads it */
  freed_under_reader, /* while another core reads it */
  ids_never_freed,
  store_far_behind,
  store_before,
  store_far_in_l2,
  store_to_constant,
  clean_status_polled,  /* STATUS of a barrier shows that the other has arrived */
  clean_own_bit_polled, /* ... or, by the own bit, that all have */
  status_not_looked_at, /* it is read, and shows that the other has not */
  clean_interrupt,      /* what the handler and the code behind it read */
  interrupt_of_another, /* the handler reads what another core writes, which has sent nothing */
  clean_barrier_interrupt,
  spins_for_ever
};

static uint32_t shared_words[64];
static uint32_t sums[HARTS];
static volatile uint32_t flag, undeclared;
UNDEFINED uint32_t scratch[1024];
UNDEFINED uint32_t other[256];
IN_L2 uint32_t source[1024] = {1, 2, 3, [1023] = 4};
IN_L2 uint32_t target[256];
__attribute__((aligned(16))) static uint16_t x[16 * 16], w[16 * 16], z[16 * 16];
UNDEFINED uint16_t undefined_w[16 * 16];
__attribute__((section(".l2late"))) uint32_t l2_late[4];
static const uint32_t constants[4] = {1, 2, 3, 4};

static NOINLINE void fill(uint32_t hart) {
  for (uint32_t i = hart; i < 64; i += HARTS) {
    shared_words[i] = i;
  }
}
static NOINLINE uint32_t sum_all(void) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < 64; i++) {
    sum += ((volatile uint32_t*)shared_words)[i];
  }
  return sum;
}
static NOINLINE uint32_t recurse(uint32_t depth) {
  volatile uint32_t frame[8];
  for (uint32_t i = 0; i < 8; i++) {
    frame[i] = depth;
  }
  return depth == 0 ? frame[0] : recurse(depth - 1) + frame[1];
}
static NOINLINE void write_words(volatile uint32_t* p, uint32_t n, uint32_t value) {
  for (uint32_t i = 0; i < n; i++) {
    p[i] = value + i;
  }
}
static NOINLINE uint32_t read_word(const volatile uint32_t* p) { return *p; }
static NOINLINE uint32_t* take(uint32_t offset, uint32_t bytes) {
  uint32_t* const p = scratch + offset;
  ETUDE_CHECK_GIVE(p, bytes);
  return p;
}
static NOINLINE void give_back(uint32_t* p) { ETUDE_CHECK_TAKE_BACK(p); }
static void lock(void) {
  put(ETUDE_EU_MASK, 1u << ETUDE_EVENT_MUTEX);
  (void)etude_blocking_load(ETUDE_EU_DEMUX_BASE + 0xC0u);
}
static volatile uint32_t interrupted;
__attribute__((interrupt, used, aligned(4))) static void handle(void) {
  put(ETUDE_EU_DEMUX_BASE + 0x28u, 1u << 3 | 1u << ETUDE_EVENT_BARRIER); /* clear the buffer */
  sums[1] = ((volatile uint32_t*)shared_words)[0];
  interrupted = 1;
}
static NOINLINE void let_interrupt(uint32_t event) {
  __asm__ volatile("csrw mtvec, %0" : : "r"(&handle));
  __asm__ volatile("csrw mie, %0" : : "r"(1u << event));
  put(ETUDE_EU_DEMUX_BASE + 0x0Cu, 1u << event);
  __asm__ volatile("csrsi mstatus, 8");
}
static NOINLINE void wait_for_interrupt(void) {
  while (!interrupted) {
  }
  put(ETUDE_EU_DEMUX_BASE + 0x0Cu, 0);
  __asm__ volatile("csrci mstatus, 8");
}
static void unlock(void) { put(ETUDE_EU_DEMUX_BASE + 0xC0u, 0); }
ETUDE_CHECK_FLAG_OBJECT(flag, 4);

void program(uint32_t hart) {
  switch (CASE) {
    case clean_parallel_loop:
      fill(hart);
      barrier(0);
      sums[hart] = sum_all();
      break;
    case missing_barrier:
      fill(hart);
      sums[hart] = sum_all();
      break;
    case early_copy_out:
      fill(hart);
      if (hart == 0) {
        wait_copy(copy(0, shared_words, target, sizeof shared_words));
      }
      break;
    case wrong_copy_waited:
      if (hart == 0) {
        const uint32_t a = copy(1, scratch, source, 4096);
        const uint32_t b = copy(0, shared_words, target, 16);
        wait_copy(b);
        sums[0] = read_word(&scratch[1023]);
        wait_copy(a);
      }
      break;
    case buffer_reused_early:
      if (hart == 0) {
        write_words(scratch, 256, 1);
        const uint32_t id = copy(0, scratch, target, 1024);
        write_words(scratch, 4, 9);
        wait_copy(id);
      }
      break;
    case clean_double_buffer:
      if (hart == 0) {
        uint32_t id = copy(1, scratch, source, 256);
        for (uint32_t i = 0; i < 4; i++) {
          uint32_t* const now = i & 1 ? other : scratch;
          wait_copy(id);
          if (i < 3) {
            id = copy(1, i & 1 ? scratch : other, source + 64 * (i & 1), 256);
          }
          sums[0] += read_word(&now[63]);
        }
      }
      break;
    case idma_clean:
    case idma_too_early:
      if (hart == 0) {
        const uint32_t id = idma_copy(scratch, source, 1024);
        if (CASE == idma_clean) {
          idma_wait(id);
        }
        sums[0] = read_word(&scratch[200]);
        idma_wait(id);
      }
      break;
    case job_reads_undefined:
    case job_result_early:
    case job_result_stored_wide:
      if (hart == 0) {
        start_job(x, CASE == job_reads_undefined ? undefined_w : w, z,
                  CASE == job_result_stored_wide ? 13 : 12, 16, 16);
        if (CASE == job_result_early) {
          sums[0] = read_word((uint32_t*)z);
        }
        wait_job();
        sums[0] = read_word((uint32_t*)z);
      }
      break;
    case clean_rows:
      if (hart == 0) {
        const uint32_t dma = ETUDE_DMA_DEMUX_BASE + ETUDE_MCHAN_CMD;
        uint32_t id[2];
        for (uint32_t i = 0; i < 2; i++) {
          id[i] = get(dma);
          put(dma, 512u | ETUDE_MCHAN_TO_L1 | ETUDE_MCHAN_INCREMENT | ETUDE_MCHAN_EVENT |
                       ETUDE_MCHAN_2D_L1);
          put(dma, (uint32_t)(uintptr_t)(scratch + 16 * i));
          put(dma, (uint32_t)(uintptr_t)source);
          put(dma, 64);
          put(dma, 128);
        }
        wait_copy(id[0]);
        sums[0] = read_word(&scratch[0]) + read_word(&scratch[32]);
        wait_copy(id[1]);
        sums[0] += read_word(&scratch[16]);
      }
      break;
    case stack_overflow:
      if (hart == 1) {
        sums[1] = recurse(20);
      }
      break;
    case lost_event:
      if (hart == 0) {
        put(ETUDE_EU_SW_TRIGGER + 4, 2);
        put(ETUDE_EU_SW_TRIGGER + 4, 2);
      } else if (hart == 1) {
        pause_for(50);
        etude_sleep(2);
        etude_sleep(2);
      }
      break;
    case mutex_deadlock:
      if (hart != 0) {
        pause_for(300);
      }
      lock();
      if (hart != 0) {
        unlock();
      }
      break;
    case clean_mutex:
      for (uint32_t i = 0; i < 4; i++) {
        lock();
        shared_words[0]++;
        unlock();
      }
      break;
    case clean_flag:
    case flag_by_hand:
      if (hart == 0) {
        pause_for(30);
        shared_words[1] = 5;
        *(CASE == clean_flag ? &flag : &undeclared) = 1;
      } else if (hart == 1) {
        while (*(CASE == clean_flag ? &flag : &undeclared) == 0) {
        }
        sums[1] = read_word(&shared_words[1]);
      }
      break;
    case buffer_overrun:
      if (hart == 0) {
        uint32_t* const p = take(0, 60);
        write_words(p, 16, 0);
      }
      break;
    case buffer_freed_twice:
      if (hart == 0) {
        uint32_t* const p = take(0, 64);
        write_words(p, 16, 0);
        give_back(p);
        give_back(p);
      }
      break;
    case buffer_used_after:
    case buffer_given_again:
      if (hart == 0) {
        uint32_t* const p = take(0, 64);
        write_words(p, 16, 0);
        give_back(p);
        if (CASE == buffer_given_again) {
          write_words(take(0, 32), 8, 0);
        }
        sums[0] = read_word(p + 12);
      }
      break;
    case l2_race:
      if (hart < 2) {
        pause_for(1 + 100 * hart);
        write_words(&target[8], 1, hart);
      }
      break;
    case l2_undefined:
      if (hart == 0) {
        sums[0] = read_word(&l2_late[2]);
      }
      break;
    case clean_self_trigger:
      fill(hart);
      (void)get(ETUDE_EU_DEMUX_BASE + 0x214u);
      etude_sleep(1u << ETUDE_EVENT_BARRIER);
      sums[hart] = sum_all();
      break;
    case copy_left_half:
      if (hart == 0) {
        (void)get(ETUDE_DMA_DEMUX_BASE + ETUDE_MCHAN_CMD);
        put(ETUDE_DMA_DEMUX_BASE + ETUDE_MCHAN_CMD, 64u | ETUDE_MCHAN_TO_L1);
        sums[0] = get(ETUDE_DMA_DEMUX_BASE + ETUDE_MCHAN_STATUS);
      }
      break;
    case misaligned_half:
      if (hart == 0) {
        *(volatile uint16_t*)((uintptr_t)shared_words + 3) = 7;
      }
      break;
    case copy_past_buffer:
      if (hart == 0) {
        uint32_t *const p = take(0, 64), *const q = take(16, 64);
        wait_copy(copy(1, p, source, 68));
        sums[0] = read_word(q);
      }
      break;
    case copy_of_nothing:
      if (hart == 0) {
        (void)copy(1, scratch, source, 0);
      }
      break;
    case freed_in_flight:
      if (hart == 0) {
        uint32_t* const p = take(0, 1024);
        const uint32_t id = copy(1, p, source, 1024);
        give_back(p);
        wait_copy(id);
      }
      break;
    case freed_under_job:
      if (hart == 0) {
        uint32_t* const p = take(0, 512);
        write_words(p, 128, 0);
        start_job(p, w, z, 12, 16, 16);
        give_back(p);
        wait_job();
      }
      break;
    case freed_under_reader:
      if (hart == 0) {
        write_words(take(0, 64), 16, 0);
      }
      barrier(0);
      if (hart == 1) {
        sums[1] = read_word(scratch);
      } else if (hart == 0) {
        pause_for(100);
        give_back(scratch);
      }
      break;
    case ids_never_freed:
      if (hart == 0) {
        for (uint32_t i = 0; i < 17; i++) {
          const uint32_t id = copy(1, scratch + 16 * i, source, 64);
          while (get(ETUDE_DMA_DEMUX_BASE + ETUDE_MCHAN_STATUS) >> id & 1u) {
          }
        }
      }
      break;
    case store_far_behind:
    case store_before:
    case store_far_in_l2:
    case store_to_constant:
      if (hart == 0) {
        write_words((volatile uint32_t*)(CASE == store_far_behind  ? 0x10018000u
                                         : CASE == store_before    ? 0x1000FFFCu
                                         : CASE == store_far_in_l2 ? 0x1C080000u
                                                                   : (uintptr_t)constants),
                    1, 9);
      }
      break;
    case clean_status_polled:
    case clean_own_bit_polled:
    case status_not_looked_at:
      if (hart == 0) {
        set_barrier(2, 7);
        put(ETUDE_EU_SW_TRIGGER + 4 * 5, ALL);
      }
      etude_sleep(1u << 5);
      if (hart == 1) {
        pause_for(60);
        write_words(shared_words, 1, 7);
        (void)get(ETUDE_EU_DEMUX_BASE + 0x254u); /* arrives at barrier 2 */
      } else if (hart == 2) {
        const uint32_t status = ETUDE_EU_DEMUX_BASE + 0x244u;
        if (CASE == clean_own_bit_polled) {
          (void)get(ETUDE_EU_DEMUX_BASE + 0x254u);
          pause_for(4);
        }
        while (CASE == clean_own_bit_polled ? get(status) & 4u : !(get(status) & 2u)) {
          if (CASE == status_not_looked_at) {
            break;
          }
        }
        pause_for(100);
        sums[2] = read_word(shared_words);
      } else if (hart == 0) {
        pause_for(120);
        (void)get(ETUDE_EU_DEMUX_BASE + 0x254u);
      }
      pause_for(400);
      break;
    case clean_interrupt:
    case interrupt_of_another:
      if (hart == 0) {
        pause_for(100);
        write_words(shared_words + (CASE != clean_interrupt), 2, 7);
        put(ETUDE_EU_SW_TRIGGER + 4 * 3, 2);
      } else if (hart == 1) {
        let_interrupt(3);
        wait_for_interrupt();
        sums[2] = read_word(&shared_words[1]);
      } else if (hart == 2 && CASE == interrupt_of_another) {
        write_words(shared_words, 1, 7);
      }
      break;
    case clean_barrier_interrupt:
      fill(hart);
      if (hart == 1) {
        let_interrupt(ETUDE_EVENT_BARRIER);
        (void)get(ETUDE_EU_DEMUX_BASE + 0x214u);
        wait_for_interrupt();
        sums[2] = sum_all();
      } else {
        barrier(0);
      }
      break;
    case spins_for_ever:
      if (hart == 0) {
        while (flag == 0) {
        }
      } else if (hart == 3) {
        for (;;) {
        }
      }
      break;
    case barrier_never_set:
      if (hart == 2) {
        barrier(3);
      }
      break;
  }
}
