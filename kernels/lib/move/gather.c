/* SPDX-License-Identifier: Apache-2.0
 * Rows of a table by their indices, and what comes back to them. Only a part of the table stands in
 * L1: the index of another row, which is larger as an unsigned number, is passed over. */
#include "kernels/lib/support.h"

ETUDE_RARE void etude_gather(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_gather_args* a = args;
  const struct etude_range range = etude_split(a->rows, worker, workers);
  for (uint32_t row = range.begin; row < range.begin + range.count; row++) {
    const uint32_t index = ETUDE_W(a->indices)[row] - a->first;
    if (index < a->count) {
      const uint32_t* from = ETUDE_W(a->table) + index * a->pitch_table;
      uint32_t* to = ETUDE_W(a->dst) + row * a->pitch_dst;
      for (uint32_t n = a->cols; n; n--) {
        *to++ = *from++;
      }
    }
  }
}

/* A column belongs to one worker, so that each element of the table is one chain in ascending rows
 * however many workers there are. */
ETUDE_RARE void etude_scatter_add(const void* args, uint32_t worker, uint32_t workers) {
  const struct etude_gather_args* a = args;
  const struct etude_range range = etude_split(a->cols, worker, workers);
  for (uint32_t row = 0; row < a->rows; row++) {
    const uint32_t index = ETUDE_W(a->indices)[row] - a->first;
    if (index < a->count) {
      const float* from = ETUDE_F(a->dst) + row * a->pitch_dst + range.begin;
      float* to = ETUDE_F(a->table) + index * a->pitch_table + range.begin;
      for (uint32_t n = range.count; n; n--) {
        *to++ += *from++;
      }
    }
  }
}
