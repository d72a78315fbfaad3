// SPDX-License-Identifier: Apache-2.0
// etude-sim gemm: one RedMulE job on random data behind an ideal memory.
#include "run/bench/gemm.h"

#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"

namespace etude::cli {
namespace {

struct Options : run::GemmRequest {
  bool json = false;
};

void print(const RedmuleBenchJob& job, const RedmuleBenchResult& r, const RedmuleConfig& config,
           bool json) {
  const std::uint64_t macs = std::uint64_t{job.m} * job.n * job.k;
  const double utilisation =
      r.finished ? static_cast<double>(macs) /
                       (static_cast<double>(r.cycles) * config.height * config.width)
                 : 0.0;
  if (json) {
    nlohmann::ordered_json out{
        {"cycles", r.finished ? nlohmann::ordered_json(r.cycles) : nlohmann::ordered_json(nullptr)},
        {"bit_exact", r.bit_exact},
        {"beats",
         {{"x", r.tally.beats[0]},
          {"w", r.tally.beats[1]},
          {"y", r.tally.beats[2]},
          {"z", r.tally.beats[3]}}},
        {"errata", r.errata},
        {"macs", macs},
        {"utilisation", utilisation}};
    if (r.estimated) {
      out["estimate"] = true;
    }
    std::cout << out.dump() << '\n';
    return;
  }
  std::cout << "M=" << job.m << " N=" << job.n << " K=" << job.k << ": " << r.cycles << " cycles, "
            << static_cast<double>(macs) / static_cast<double>(std::max<std::uint64_t>(r.cycles, 1))
            << " MAC/cycle (" << 100.0 * utilisation << " % of the array), "
            << (r.bit_exact ? "bit-exact" : "DIFFERENT from the chain") << "\n  beats x "
            << r.tally.beats[0] << ", w " << r.tally.beats[1] << ", y " << r.tally.beats[2]
            << ", z " << r.tally.beats[3] << '\n';
  for (const int number : r.errata) {
    std::cout << "  erratum " << number << ": " << erratum_text(number) << '\n';
  }
  if (r.estimated) {
    std::cout
        << "  the control of the hardware stops or loses data in this job: its cycles here are "
           "an estimate\n";
  }
}

}  // namespace

void add_gemm(CLI::App& app, int& status) {
  auto* gemm = app.add_subcommand("gemm", "One RedMulE job on random data, ideal memory");
  auto options = std::make_shared<Options>();
  gemm->add_option("--m", options->m, "Rows of X and Z, 1 to 65535");
  gemm->add_option("--n", options->n, "Reduction dimension, 1 to 65535");
  gemm->add_option("--k", options->k, "Columns of W and Z, 1 to 65535");
  gemm->add_option("--op", options->op,
                   "matmul, gemm, addmax, addmin, mulmax, mulmin, maxmin, minmax");
  gemm->add_option("--format", options->format,
                   "fp16 (default), fp8, fp8alt, fp16alt; fp32 on an fp32 array");
  gemm->add_option("--gap", options->gap, "Idle cycles between the last register and TRIGGER");
  gemm->add_option("--stall", options->stall, "Probability per cycle that the port is refused");
  gemm->add_option("--seed", options->seed, "Seed of data and refusals");
  gemm->add_option("--platform", options->platform, "Platform file");
  gemm->add_option("--set", options->sets, "/json/pointer=VALUE")->allow_extra_args(false);
  gemm->add_option("--shapes", options->shapes, "CSV file with columns M,N,K[,gap,stall,seed]");
  gemm->add_flag("--json", options->json, "One JSON object per job");
  gemm->callback([options, &status] {
    const RedmuleConfig config = run::gemm_array(*options);
    const std::vector<RedmuleBenchJob> jobs = run::gemm_jobs(*options, config);
    Redmule redmule("redmule", config);
    for (const RedmuleBenchJob& job : jobs) {
      const RedmuleBenchResult result = run_redmule_bench(redmule, job);
      print(job, result, config, options->json || !options->shapes.empty());
      if (!result.bit_exact) {
        status = 1;
      }
    }
  });
}

}  // namespace etude::cli
