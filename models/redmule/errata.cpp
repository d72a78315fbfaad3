// SPDX-License-Identifier: Apache-2.0
#include "models/redmule/errata.h"

#include <cstdio>

namespace etude {

std::vector<int> errata_of(const RedmuleJob& job, const RedmuleConfig& config, bool without_clear,
                           bool port_refused) {
  std::vector<int> found;
  if (config.errata == RedmuleConfig::Errata::kOff ||
      config.format == RedmuleConfig::Format::kFp32 || job.m == 0 || job.n == 0 || job.k == 0) {
    return found;
  }
  const RedmulePlan plan = make_plan(job, config);
  const std::uint32_t h = plan.height, l = plan.width, d = plan.columns;
  const bool several_tiles = plan.tiles() > 1;
  if (without_clear) {
    found.push_back(1);
  }
  if (!plan.loads_y && several_tiles) {
    found.push_back(2);
  }
  if ((job.n <= h && several_tiles) || (job.n > h && job.n <= 2 * h && job.m > l)) {
    found.push_back(3);
  }
  if (job.m < l && job.n > d && job.n % d >= 1 && job.n % d <= h && job.k > d) {
    found.push_back(4);
  }
  if (plan.w_rows_left != 0 && plan.row_blocks >= plan.w_rows) {
    found.push_back(5);
  }
  if (plan.x_rows_left != 0) {
    found.push_back(6);
  }
  if (port_refused) {
    found.push_back(7);
  }
  if (plan.pipe == 3 && ((h == 8 && l == 12) || (h == 4 && l == 8))) {
    found.push_back(8);
  }
  return found;
}

const char* erratum_text(int number) {
  switch (number) {
    case 1:
      return "no SOFT_CLEAR since the last job: the hardware computes wrong data; write SOFT_CLEAR "
             "before each job";
    case 2:
      return "MATMUL with more than one tile of Z hangs the hardware; use GEMM with Y = 0";
    case 3:
      return "a reduction dimension this short hangs the hardware or gives wrong data; pad N to 16";
    case 4:
      return "few rows of X and a short last block of N give wrong data; pad N or M";
    case 5:
      return "N is no multiple of the array height and Z has many row blocks: wrong data or a "
             "hang; "
             "pad N";
    case 6:
      return "the hardware always stores whole row blocks: rows past the end of Z are overwritten; "
             "allocate them";
    case 7:
      return "the port was refused: the hardware's bus multiplexer can hang; give the accelerator "
             "priority";
    case 8:
      return "this array size gives wrong data at some shapes in hardware";
    default:
      return "unknown erratum";
  }
}

std::string describe_job(const RedmuleJob& job) {
  char text[160];
  std::snprintf(text, sizeof text, "X=0x%08x W=0x%08x Z=0x%08x M=%u N=%u K=%u op=%u format=%u",
                job.x, job.w, job.z, job.m, job.n, job.k, job.op, job.format);
  return text;
}

}  // namespace etude
