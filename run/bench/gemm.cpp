// SPDX-License-Identifier: Apache-2.0
#include "run/bench/gemm.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "models/base/error.h"
#include "models/redmule/redmule_regs.h"
#include "sim/config/load.h"

namespace etude::run {
namespace {

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

RedmuleBenchJob checked(const std::string& where, const GemmRequest& o,
                        const RedmuleConfig& config) {
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
std::vector<RedmuleBenchJob> read_shapes(const GemmRequest& defaults, const RedmuleConfig& config) {
  std::error_code ignored;
  std::ifstream file;
  if (std::filesystem::is_regular_file(defaults.shapes, ignored)) {  // a pipe would be waited for
    file.open(defaults.shapes);
  }
  if (!file.is_open()) {
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
    GemmRequest o = defaults;
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

}  // namespace

RedmuleConfig gemm_array(const GemmRequest& request) {
  PlatformConfig platform;
  try {
    platform = load_platform(request.platform, request.sets);
  } catch (const UserError&) {
    for (const std::string& set : request.sets) {
      if (set.starts_with("/platform/cluster/tcdm/banks=")) {
        throw;
      }
    }
    std::vector<std::string> sets = request.sets;
    sets.push_back("/platform/cluster/tcdm/banks=64");
    try {
      platform = load_platform(request.platform, sets);
    } catch (const UserError&) {
      load_platform(request.platform, request.sets);  // the user's own error is the one to show
    }
  }
  if (!platform.cluster.redmule.enabled) {
    throw UserError("/platform/cluster/redmule/enabled", "is false", "gemm needs a RedMulE");
  }
  return platform.cluster.redmule;
}

std::vector<RedmuleBenchJob> gemm_jobs(const GemmRequest& request, const RedmuleConfig& array) {
  const std::vector<RedmuleBenchJob> jobs = request.shapes.empty()
                                                ? std::vector{checked("--", request, array)}
                                                : read_shapes(request, array);
  for (const RedmuleBenchJob& job : jobs) {
    refuse_errata(job, array);
  }
  return jobs;
}

}  // namespace etude::run
