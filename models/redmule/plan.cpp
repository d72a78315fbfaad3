// SPDX-License-Identifier: Apache-2.0
#include "models/redmule/plan.h"

namespace etude {

RedmulePlan make_plan(const RedmuleJob& job, const RedmuleConfig& config) {
  RedmulePlan plan;
  plan.height = config.height;
  plan.width = config.width;
  plan.pipe = config.pipe;
  plan.columns = config.columns();
  plan.x_columns_left = job.n % plan.columns;
  plan.x_rows_left = job.m % plan.width;
  plan.w_columns_left = job.k % plan.columns;
  plan.w_rows_left = job.n % plan.height;
  const auto up = [](std::uint32_t a, std::uint32_t b) { return (a + b - 1) / b; };
  plan.x_blocks = up(job.n, plan.columns);
  plan.row_blocks = up(job.m, plan.width);
  plan.column_blocks = up(job.k, plan.columns);
  plan.w_rows = up(job.n, plan.height) * plan.height;
  plan.last_slots = up(plan.x_columns_left, plan.height) * plan.height;
  plan.x_block_total = plan.tiles() * plan.x_blocks;
  plan.w_beats = plan.tiles() * plan.w_rows;
  plan.z_beats = plan.tiles() * plan.width;
  plan.loads_y = job.op != 0;
  return plan;
}

}  // namespace etude
