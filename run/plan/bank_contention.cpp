// SPDX-License-Identifier: Apache-2.0
#include "run/plan/bank_contention.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "models/redmule/control.h"

namespace etude::run {
namespace {

constexpr unsigned kWindow = 1500;                        ///< cycles that are gone through
constexpr std::size_t kMost = 200000, kMostAlone = 2000;  ///< answers that are kept
constexpr double kLeastSpeed = 0.02;
constexpr std::uint32_t kBeats = 230;  ///< of the DMA and a direction, in 256 cycles

/// Numbers that look random, and are the same at each run.
class Numbers {
 public:
  std::uint32_t below(std::uint32_t limit) {
    state_ = state_ * 1664525u + 1013904223u;
    return static_cast<std::uint32_t>((std::uint64_t{state_} * limit) >> 32);
  }

 private:
  std::uint32_t state_ = 12345;
};

/// Which banks the sides of the interconnect get (models/interco: kStall and kWindow).
class Arbiter {
 public:
  explicit Arbiter(const HciConfig& config) : config_(config) {}

  /// What the log branch may have of the banks that it asks for.
  std::uint64_t log_won(std::uint64_t log, std::uint64_t wide) {
    const bool invert = config_.priority == HciConfig::Priority::kAccelerator;
    const std::uint64_t high = invert ? wide : log, low = invert ? log : wide;
    bool enabled = false;
    if (config_.arbiter == HciConfig::Arbiter::kStall) {
      enabled = high != 0 && (config_.max_stall == 0 || counter_ < config_.max_stall);
      counter_ = enabled && low != 0 ? (counter_ + 1) & 0xFF : 0;
    } else {
      const bool conflict = (high & low) != 0;
      enabled = !(conflict && config_.max_stall > 0 && config_.max_stall <= counter_ &&
                  counter_ < config_.window);
      if (conflict) {
        counter_ = counter_ + 1 == config_.window ? 0 : (counter_ + 1) & 0xFF;
      }
    }
    const std::uint64_t high_won = enabled ? high : 0;
    return invert ? low & ~high_won : high_won;
  }

 private:
  const HciConfig& config_;
  unsigned counter_ = 0;
};

using Done = BankContention::Done;

class Window {
 public:
  Window(const ClusterConfig& cluster, const UnitsAtWork& work)
      : cluster_(cluster),
        work_(work),
        arbiter_(cluster.hci),
        banks_(static_cast<std::uint32_t>(cluster.tcdm.banks)),
        words_(std::min(banks_, cluster.redmule.port_bytes() / 4)),
        cores_(work.accesses == 0 ? 0 : cluster.cores, 0),
        lanes_(work.transfers, 0) {
    if (work.job != nullptr) {
      const MatrixJob& job = *work.job;
      plan_ = make_plan({.m = job.m, .n = job.n, .k = job.k, .op = job.accumulate ? 1u : 0u},
                        cluster.redmule);
      control_.start(plan_);
    }
  }

  Done run() {
    std::uint32_t beats = 0;
    for (unsigned cycle = 0; cycle < kWindow; ++cycle) {
      const bool asks = work_.job != nullptr && control_.request() != RedmuleStream::kNone;
      const std::uint64_t wide = asks ? run_of_banks(numbers_.below(banks_), words_) : 0;
      const std::uint64_t log = wanted();
      const std::uint64_t log_won = arbiter_.log_won(log, wide);
      serve(log_won, cycle);
      if (work_.job != nullptr) {
        const bool granted = asks && (wide & log_won) == 0;
        beats += granted ? 1 : 0;
        if (control_.clock(granted).finished) {
          control_ = {};
          control_.start(plan_);  // the same again
        }
        done_.beats.push_back(beats);
      }
    }
    return std::move(done_);
  }

 private:
  std::uint64_t run_of_banks(std::uint32_t first, std::uint32_t count) const {
    const std::uint64_t all = banks_ == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << banks_) - 1;
    if (count >= banks_) {
      return all;
    }
    const std::uint64_t run = (std::uint64_t{1} << count) - 1;
    return (run << first | (first == 0 ? 0 : run >> (banks_ - first))) & all;
  }

  /// Banks that cores and DMA want, new accesses among them. A bit for the bank of each.
  std::uint64_t wanted() {
    std::uint64_t all = 0;
    for (std::uint64_t& core : cores_) {
      if (core == 0 && numbers_.below(kAccessSteps) < work_.accesses) {
        core = std::uint64_t{1} << numbers_.below(banks_);
      }
      all |= core;
    }
    for (std::uint64_t& lane : lanes_) {
      if (lane == 0 && numbers_.below(256) < kBeats) {
        lane = run_of_banks(2 * numbers_.below(std::max(1u, banks_ / 2)), 2);
      }
      all |= lane;
    }
    return all;
  }

  /// Each bank serves one of those that want it, who comes first in turn.
  void serve(std::uint64_t free, unsigned cycle) {
    const auto masters = static_cast<unsigned>(cores_.size() + lanes_.size());
    unsigned master = masters == 0 ? 0 : cycle % masters;
    for (unsigned i = 0; i < masters && free != 0;
         ++i, master = master + 1 < masters ? master + 1 : 0) {
      const bool core = master < cores_.size();
      std::uint64_t& wants = core ? cores_[master] : lanes_[master - cores_.size()];
      const std::uint64_t served = wants & free;
      free &= ~served;
      wants &= ~served;
      if (served != 0 && wants == 0) {
        ++(core ? done_.accesses : done_.moved);
      }
    }
  }

  const ClusterConfig& cluster_;
  UnitsAtWork work_;
  Arbiter arbiter_;
  std::uint32_t banks_, words_;
  std::vector<std::uint64_t> cores_, lanes_;  ///< banks that each waits for
  RedmulePlan plan_;
  RedmuleControl control_;
  Numbers numbers_;
  Done done_;
};

double part(std::uint64_t beside, std::uint64_t alone) {
  return alone == 0 ? 1
                    : std::clamp(static_cast<double>(beside) / static_cast<double>(alone),
                                 kLeastSpeed, 1.0);
}

}  // namespace

BankContention::Key BankContention::key_of(const ClusterConfig& cluster, const UnitsAtWork& work) {
  const HciConfig& hci = cluster.hci;
  Key key{static_cast<std::uint32_t>(cluster.tcdm.banks),
          cluster.cores,
          static_cast<std::uint32_t>(hci.priority),
          static_cast<std::uint32_t>(hci.arbiter),
          hci.max_stall,
          hci.window,
          work.accesses,
          work.transfers};
  if (work.job != nullptr) {
    const RedmuleConfig& array = cluster.redmule;
    const MatrixJob& job = *work.job;
    const std::array<std::uint32_t, 8> of_job{
        array.height, array.width, array.pipe, static_cast<std::uint32_t>(array.format),
        job.m,        job.n,       job.k,      job.accumulate ? 1u : 0u};
    std::ranges::copy(of_job, key.begin() + 8);
  }
  return key;
}

std::shared_ptr<const Done> BankContention::alone(const ClusterConfig& cluster,
                                                  const UnitsAtWork& work) {
  const Key key = key_of(cluster, work);
  {
    const std::lock_guard<std::mutex> locked(mutex_);
    if (const auto found = alone_.find(key); found != alone_.end()) {
      return found->second;
    }
  }
  auto made = std::make_shared<const Done>(Window(cluster, work).run());
  const std::lock_guard<std::mutex> locked(mutex_);
  if (alone_.size() >= kMostAlone) {
    alone_.clear();
  }
  alone_.emplace(key, made);
  return made;
}

UnitSpeeds BankContention::of(const ClusterConfig& cluster, const UnitsAtWork& work) {
  const unsigned at_work =
      (work.accesses != 0 ? 1 : 0) + (work.job != nullptr ? 1 : 0) + (work.transfers != 0 ? 1 : 0);
  if (at_work < 2) {
    return {};
  }
  const Key key = key_of(cluster, work);
  {
    const std::lock_guard<std::mutex> locked(mutex_);
    if (const auto found = known_.find(key); found != known_.end()) {
      return found->second;
    }
  }
  const Done together = Window(cluster, work).run();
  UnitSpeeds speeds;
  if (work.accesses != 0) {
    speeds.cores = part(together.accesses, alone(cluster, {work.accesses})->accesses);
  }
  if (work.transfers != 0) {
    speeds.dma = part(together.moved, alone(cluster, {0, nullptr, work.transfers})->moved);
  }
  if (work.job != nullptr) {
    // When it would have been as far by itself.
    const std::vector<std::uint32_t>& beats = alone(cluster, {0, work.job, 0})->beats;
    const auto as_far = std::ranges::lower_bound(beats, together.beats.back());
    speeds.redmule = part(static_cast<std::uint64_t>(as_far - beats.begin()) + 1, kWindow);
  }
  const std::lock_guard<std::mutex> locked(mutex_);
  if (known_.size() >= kMost) {
    known_.clear();
  }
  known_.emplace(key, speeds);
  return speeds;
}

}  // namespace etude::run
