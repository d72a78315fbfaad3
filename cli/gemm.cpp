// SPDX-License-Identifier: Apache-2.0
// etude-sim gemm: one RedMulE job on random data behind an ideal memory.
#include <algorithm>
#include <charconv>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/commands.h"
#include "models/base/error.h"
#include "models/redmule/bench.h"
#include "models/redmule/redmule_regs.h"
#include "sim/config/load.h"

namespace etude::cli {
namespace {

struct Options {
  long long m = 0, n = 0, k = 0, gap = 0, seed = 1;
  double stall = 0.0;
  std::string op = "gemm", format, platform = "platform/siracusa_redmule.json", shapes;
  std::vector<std::string> sets;
  bool json = false;
};

const char* const kOps[] = {"matmul", "gemm",   "addmax", "addmin",
                            "mulmax", "mulmin", "maxmin", "minmax"};
const char* const kFormats[] = {"fp8", "fp16", "fp8alt", "fp16alt"};

template <std::size_t N>
std::uint32_t index_of(const char* const (&names)[N], const std::string& name, const char* option) {
  std::string allowed;
  for (std::uint32_t i = 0; i < N; ++i) {
    if (name == names[i] || name == "op" + std::to_string(i)) {
      return i;
    }
    allowed += (i == 0 ? "" : ", ") + std::string(names[i]);
  }
  throw UserError(option, "is '" + name + "'", "allowed are " + allowed);
}

std::uint32_t size_in_range(const std::string& where, long long value) {
  if (value < 1 || value > 65535) {
    throw UserError(where, "is " + std::to_string(value),
                    "allowed are 1 to 65535, the sizes that the job registers hold");
  }
  return static_cast<std::uint32_t>(value);
}

RedmuleBenchJob checked(const std::string& where, const Options& o, const RedmuleConfig& config) {
  RedmuleBenchJob job;
  job.m = size_in_range(where + "m", o.m);
  job.n = size_in_range(where + "n", o.n);
  job.k = size_in_range(where + "k", o.k);
  if (o.gap < 0 || o.gap > 1'000'000'000) {
    throw UserError(where + "gap", "is " + std::to_string(o.gap), "allowed are 0 to 1000000000");
  }
  if (!(o.stall >= 0.0 && o.stall <= 0.99)) {
    throw UserError(where + "stall", "is " + std::to_string(o.stall), "allowed are 0 to 0.99");
  }
  job.gap = static_cast<std::uint64_t>(o.gap);
  job.stall = o.stall;
  if (o.seed < 0) {
    throw UserError(where + "seed", "is " + std::to_string(o.seed), "a number from 0 on is needed");
  }
  job.seed = static_cast<std::uint64_t>(o.seed);
  job.op = index_of(kOps, o.op, "--op");
  if (config.format == RedmuleConfig::Format::kFp32) {
    if (!o.format.empty() && o.format != "fp32") {
      throw UserError("--format", "is '" + o.format + "'",
                      "the array of this platform is an fp32 one and knows no other format");
    }
    return job;
  }
  job.format = o.format.empty() ? ETUDE_REDMULE_FMT_FP16 : index_of(kFormats, o.format, "--format");
  return job;
}

template <class T>
T number(const std::string& text, const std::string& where) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw UserError(where, "is '" + text + "'", "a number is needed");
  }
  return value;
}

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields;
  std::stringstream stream(line);
  for (std::string field; std::getline(stream, field, ',');) {
    const auto begin = field.find_first_not_of(" \t\r"), end = field.find_last_not_of(" \t\r");
    fields.push_back(begin == std::string::npos ? "" : field.substr(begin, end - begin + 1));
  }
  return fields;
}

/// The jobs of a CSV file with the columns M,N,K and, if wanted, gap, stall, seed, op, format.
std::vector<RedmuleBenchJob> read_shapes(const Options& defaults, const RedmuleConfig& config) {
  std::ifstream file(defaults.shapes);
  if (!file) {
    throw UserError("--shapes", "cannot read '" + defaults.shapes + "'", "name a CSV file");
  }
  std::vector<RedmuleBenchJob> jobs;
  std::vector<std::string> header;
  std::string line;
  for (unsigned number_of_line = 1; std::getline(file, line); ++number_of_line) {
    std::vector<std::string> fields = split(line);
    const std::string where = defaults.shapes + " line " + std::to_string(number_of_line);
    if (fields.empty() || (fields.size() == 1 && fields[0].empty()) || fields[0].starts_with('#')) {
      continue;
    }
    if (header.empty()) {
      for (std::string& name : fields) {
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      }
      header = fields;
      for (const char* needed : {"m", "n", "k"}) {
        if (std::find(header.begin(), header.end(), needed) == header.end()) {
          throw UserError(where, std::string("the header has no column ") + needed,
                          "columns are M,N,K[,gap,stall,seed]");
        }
      }
      continue;
    }
    if (fields.size() > header.size()) {
      throw UserError(where, "has more fields than the header", "one field per column");
    }
    Options o = defaults;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const std::string& name = header[i];
      const std::string at = where + " " + name;
      if (fields[i].empty() && name != "m" && name != "n" && name != "k") {
        continue;
      }
      if (name == "m") {
        o.m = number<long long>(fields[i], at);
      } else if (name == "n") {
        o.n = number<long long>(fields[i], at);
      } else if (name == "k") {
        o.k = number<long long>(fields[i], at);
      } else if (name == "gap") {
        o.gap = number<long long>(fields[i], at);
      } else if (name == "stall" || name == "stall_prob") {
        o.stall = number<double>(fields[i], at);
      } else if (name == "seed") {
        o.seed = number<long long>(fields[i], at);
      } else if (name == "op") {
        o.op = fields[i];
      } else if (name == "format" || name == "fmt") {
        o.format = fields[i];
      } else {
        throw UserError(where, "unknown column '" + name + "'",
                        "columns are M,N,K[,gap,stall,seed,op,format]");
      }
    }
    jobs.push_back(checked(where + " ", o, config));
  }
  if (jobs.empty()) {
    throw UserError("--shapes", "'" + defaults.shapes + "' holds no shapes",
                    "a header M,N,K and one line per shape");
  }
  return jobs;
}

/// The platform's RedMulE. The memory of this command is ideal, so that the number of banks, which
/// bounds the port elsewhere, does not matter unless the user names it.
RedmuleConfig redmule_config(const Options& options) {
  PlatformConfig platform;
  try {
    platform = load_platform(options.platform, options.sets);
  } catch (const UserError&) {
    for (const std::string& set : options.sets) {
      if (set.starts_with("/platform/cluster/tcdm/banks=")) {
        throw;
      }
    }
    std::vector<std::string> sets = options.sets;
    sets.push_back("/platform/cluster/tcdm/banks=64");
    try {
      platform = load_platform(options.platform, sets);
    } catch (const UserError&) {
      load_platform(options.platform, options.sets);  // the user's own error is the one to show
    }
  }
  if (!platform.cluster.redmule.enabled) {
    throw UserError("/platform/cluster/redmule/enabled", "is false", "gemm needs a RedMulE");
  }
  return platform.cluster.redmule;
}

/// With errata = error a job that the hardware gets wrong is the user's mistake.
void refuse_errata(const RedmuleBenchJob& job, const RedmuleConfig& config) {
  if (config.errata != RedmuleConfig::Errata::kError) {
    return;
  }
  RedmuleJob shape;
  shape.m = job.m;
  shape.n = job.n;
  shape.k = job.k;
  shape.op = job.op;
  for (const int number : errata_of(shape, config)) {
    if (erratum_breaks_data(number)) {
      throw UserError("M=" + std::to_string(job.m) + " N=" + std::to_string(job.n) +
                          " K=" + std::to_string(job.k),
                      "erratum " + std::to_string(number) + ", and errata is 'error'",
                      erratum_text(number));
    }
  }
}

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
    const RedmuleConfig config = redmule_config(*options);
    const std::vector<RedmuleBenchJob> jobs = options->shapes.empty()
                                                  ? std::vector{checked("--", *options, config)}
                                                  : read_shapes(*options, config);
    for (const RedmuleBenchJob& job : jobs) {
      refuse_errata(job, config);
    }
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
