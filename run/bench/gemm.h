// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "models/redmule/bench.h"

namespace etude::run {

/// What `etude-sim gemm` is asked for: one job, or a CSV file of jobs.
struct GemmRequest {
  long long m = 0, n = 0, k = 0;  ///< Z[m,k] = X[m,n] W[n,k]
  long long gap = 0;              ///< idle cycles between the last register and TRIGGER
  long long seed = 1;             ///< of data and refusals
  double stall = 0.0;             ///< probability per cycle that the port is refused
  std::string op = "gemm", format, platform = "platform/siracusa_redmule.json";
  std::string shapes;  ///< CSV file with columns M,N,K[,gap,stall,seed,op,format]; empty: one job
  std::vector<std::string> sets;
};

/// The RedMulE of the request's platform. The memory of this bench is ideal, so that the number of
/// banks, which bounds the port elsewhere, does not matter unless the user names it.
/// Errors: UserError.
RedmuleConfig gemm_array(const GemmRequest& request);

/// The request's jobs, checked against the array; with errata = error a job that the hardware gets
/// wrong is the user's mistake. Errors: UserError naming option, or file, line and column.
std::vector<RedmuleBenchJob> gemm_jobs(const GemmRequest& request, const RedmuleConfig& array);

}  // namespace etude::run
