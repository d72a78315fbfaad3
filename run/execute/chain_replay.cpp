// SPDX-License-Identifier: Apache-2.0
#include "run/execute/chain_replay.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "models/redmule/chain.h"
#include "models/redmule/redmule_regs.h"
#include "run/execute/fp32_chains.h"

namespace etude::run {
namespace {
constexpr std::size_t kMostLines = 5;

struct ByteRange {
  std::uint32_t begin, end;
};

std::uint32_t element_bytes(const MatrixJob& job) { return job.half ? 2 : 4; }
ByteRange range_of(const MatrixJob& job, Address base, std::uint64_t elements) {
  return {base.raw(), base.raw() + static_cast<std::uint32_t>(element_bytes(job) * elements)};
}
ByteRange x_of(const MatrixJob& job) { return range_of(job, job.x, std::uint64_t{job.m} * job.n); }
ByteRange w_of(const MatrixJob& job) { return range_of(job, job.w, std::uint64_t{job.n} * job.k); }
ByteRange z_of(const MatrixJob& job) { return range_of(job, job.z, std::uint64_t{job.m} * job.k); }
bool overlap(ByteRange a, ByteRange b) { return a.begin < b.end && b.begin < a.end; }

std::vector<float> floats(const std::vector<std::uint8_t>& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

std::vector<std::uint8_t> bytes_of(const std::vector<float>& values) {
  std::vector<std::uint8_t> bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

float of_half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int fraction = bits & 1023;
  if (exponent == 31) {
    const float infinity = std::numeric_limits<float>::infinity();
    return fraction != 0 ? std::numeric_limits<float>::quiet_NaN()
           : bits >> 15  ? -infinity
                         : infinity;
  }
  const int scaled = exponent == 0 ? fraction : fraction + 1024;
  const float value = std::ldexp(static_cast<float>(scaled), std::max(exponent, 1) - 25);
  return bits >> 15 != 0 ? -value : value;
}

/// Element `i` of a result, as a float.
float element(const std::vector<std::uint8_t>& bytes, bool half, std::size_t i) {
  if (half) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, bytes.data() + 2 * i, sizeof bits);
    return of_half(bits);
  }
  float value = 0;
  std::memcpy(&value, bytes.data() + 4 * i, sizeof value);
  return value;
}

bool same_bits(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) ||
         std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}
}  // namespace

ChainReplay::ChainReplay(const Program& program, const RedmuleConfig& array)
    : program_(program), array_(array) {
  const auto& operations = program.tasks.operations;
  for (std::uint32_t i = 0; i < operations.size(); ++i) {
    if (const auto* job = operations[i].as<MatrixJob>()) {
      jobs_.push_back({i, operations[i].layer, *job});
    }
  }
  result_.resize(jobs_.size());
  find_order();
  choose_jobs();
}

// A job is known to be done at the first wait for that many operations of its unit.
void ChainReplay::find_order() {
  known_.assign(jobs_.size(), ~std::uint32_t{0});
  const auto& operations = program_.tasks.operations;
  for (std::uint32_t i = 0; i < operations.size(); ++i) {
    const auto* wait = operations[i].as<Wait>();
    if (wait != nullptr && wait->unit == TaskUnit::kRedmule) {
      for (std::size_t job = 0; job < std::min<std::size_t>(wait->count, known_.size()); ++job) {
        known_[job] = std::min(known_[job], i);
      }
    }
  }
}

void ChainReplay::choose_jobs() {
  const std::vector<Posted>& jobs = jobs_;
  continues_.assign(jobs.size(), false);
  before_.assign(jobs.size(), 0);
  chosen_.assign(jobs.size(), true);
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    for (std::size_t i = 0; i < j; ++i) {
      if (done_before(i, jobs[j].op)) {
        continue;  // nothing of it is under way any more
      }
      const ByteRange written = z_of(jobs[i].job);
      if (overlap(written, x_of(jobs[j].job)) || overlap(written, w_of(jobs[j].job))) {
        chosen_[j] = false;
      }
      if (jobs[j].job.accumulate && overlap(written, z_of(jobs[j].job))) {
        continues_[j] = true;
        before_[j] = i;
        const bool same = jobs[i].job.z == jobs[j].job.z && jobs[i].job.m == jobs[j].job.m &&
                          jobs[i].job.k == jobs[j].job.k;
        chosen_[j] = chosen_[j] && same && chosen_[i];
      }
    }
  }
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    if (!chosen_[j]) {
      continue;
    }
    add(j, What::kX, jobs[j].op);
    add(j, What::kW, jobs[j].op);
    if (jobs[j].job.accumulate && !continues_[j]) {
      add(j, What::kY, jobs[j].op);
    }
    const std::uint32_t seen = known_[j] == ~std::uint32_t{0} ? known_[j] : known_[j] + 1;
    const bool overwritten = std::any_of(
        jobs.begin() + static_cast<std::ptrdiff_t>(j) + 1, jobs.end(), [&](const Posted& later) {
          return later.op < seen && overlap(z_of(later.job), z_of(jobs[j].job));
        });
    if (seen < program_.tasks.operations.size() && !overwritten) {
      add(j, What::kZ, seen);
    }
  }
}

void ChainReplay::add(std::size_t job, What what, std::uint32_t op) {
  pieces_.push_back({job, what, op});
}

std::size_t ChainReplay::replayable() const {
  return static_cast<std::size_t>(std::count_if(
      pieces_.begin(), pieces_.end(), [](const Piece& piece) { return piece.what == What::kZ; }));
}

std::vector<Probe> ChainReplay::probes(std::uint32_t first_tag) const {
  std::vector<Probe> probes;
  for (const Piece& piece : pieces_) {
    const MatrixJob& job = jobs_[piece.job].job;
    const bool is_w = piece.what == What::kW;
    const Address base = piece.what == What::kX ? job.x : is_w ? job.w : job.z;
    const std::uint64_t elements = piece.what == What::kX ? std::uint64_t{job.m} * job.n
                                   : is_w                 ? std::uint64_t{job.n} * job.k
                                                          : std::uint64_t{job.m} * job.k;
    const Bytes bytes{element_bytes(job) * elements};
    probes.push_back(
        {piece.op, base, 1, bytes, bytes, first_tag + static_cast<std::uint32_t>(probes.size())});
  }
  return probes;
}

void ChainReplay::take(unsigned step, std::uint32_t index, const std::vector<std::uint8_t>& bytes) {
  const Piece& piece = pieces_.at(index);
  if (piece.what == What::kX) {
    x_[piece.job] = bytes;
  } else if (piece.what == What::kY) {
    y_[piece.job] = bytes;
    replay(piece.job);
  } else if (piece.what == What::kW) {
    w_[piece.job] = bytes;
    const MatrixJob& job = jobs_[piece.job].job;
    if (!job.accumulate || continues_[piece.job]) {
      replay(piece.job);
    }
  } else {
    ++compared_;
    const MatrixJob& job = jobs_[piece.job].job;
    for (std::size_t i = 0; i < std::size_t{job.m} * job.k; ++i) {
      const float got = element(bytes, job.half, i);
      const float wanted = element(result_[piece.job], job.half, i);
      if (!same_bits(got, wanted)) {
        if (failures_.size() < kMostLines) {
          char text[160];
          std::snprintf(text, sizeof text,
                        "step %u: RedMulE job %zu of %s differs from its chain at element %zu: "
                        "%.9g for %.9g",
                        step + 1, piece.job,
                        program_.layers.at(jobs_[piece.job].layer).name.c_str(), i,
                        static_cast<double>(got), static_cast<double>(wanted));
          failures_.emplace_back(text);
        }
        break;
      }
    }
  }
}

void ChainReplay::replay(std::size_t index) {
  const MatrixJob& job = jobs_[index].job;
  const std::vector<std::uint8_t>* addend = nullptr;
  if (job.accumulate) {
    addend = continues_[index] ? &result_[before_[index]] : &y_.at(index);
  }
  if (job.half) {
    RedmuleJob chain;
    chain.m = job.m;
    chain.n = job.n;
    chain.k = job.k;
    chain.op = job.accumulate ? ETUDE_REDMULE_OP_GEMM : ETUDE_REDMULE_OP_MATMUL;
    chain.format = ETUDE_REDMULE_FMT_FP16;
    result_[index].resize(std::size_t{2} * job.m * job.k);
    replay_chain(
        chain, array_,
        {x_.at(index).data(), w_.at(index).data(), addend == nullptr ? nullptr : addend->data()},
        result_[index].data());
    forget(index);
    return;
  }
  const std::vector<float> x = floats(x_.at(index));
  const std::vector<float> w = floats(w_.at(index));
  const std::vector<float> y = addend == nullptr ? std::vector<float>{} : floats(*addend);
  std::vector<float> z(std::size_t{job.m} * job.k);
  compute_chains({.x = x.data(),
                  .w = w.data(),
                  .y = y.empty() ? nullptr : y.data(),
                  .rows = job.m,
                  .steps = job.n,
                  .columns = job.k,
                  .height = array_.height},
                 z.data());
  result_[index] = bytes_of(z);
  forget(index);
}

void ChainReplay::forget(std::size_t index) {
  x_.erase(index);
  w_.erase(index);
  y_.erase(index);
}

}  // namespace etude::run
