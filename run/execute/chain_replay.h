// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/redmule/redmule_config.h"
#include "program/program.h"
#include "sim/engine/job.h"

namespace etude::run {

/// Holds every RedMulE job of a run to an independent replay of its chains, bit for bit. Copies of
/// the operands are taken when the controller posts the job, the result when it first knows that
/// the job is done. Jobs whose operands another job in the queue may still write, or whose result
/// another one may overwrite before that, are left out.
class ChainReplay {
 public:
  ChainReplay(const Program& program, const RedmuleConfig& array);

  /// What to copy; tags count from `first_tag`.
  std::vector<Probe> probes(std::uint32_t first_tag) const;
  /// Takes the bytes of probe number `index`; the result is compared when it arrives.
  void take(unsigned step, std::uint32_t index, const std::vector<std::uint8_t>& bytes);

  std::uint64_t compared() const { return compared_; }
  /// One line per job that differs.
  const std::vector<std::string>& failures() const { return failures_; }
  /// Jobs of the program that can be replayed.
  std::size_t replayable() const;

 private:
  struct Posted {
    std::uint32_t op, layer;
    MatrixJob job;
  };
  enum class What : std::uint8_t { kX, kW, kY, kZ };
  struct Piece {
    std::size_t job;
    What what;
    std::uint32_t op;
  };

  void find_order();
  void choose_jobs();
  void add(std::size_t job, What what, std::uint32_t op);
  void replay(std::size_t job);
  void forget(std::size_t job);
  bool done_before(std::size_t job, std::uint32_t op) const { return known_[job] < op; }

  const Program& program_;
  RedmuleConfig array_;
  std::vector<Posted> jobs_;          ///< RedMulE jobs, in order
  std::vector<std::uint32_t> known_;  ///< per job: the wait that knows it done; none: past the end
  std::vector<bool> continues_;       ///< per job: it adds to the result of one still in the queue
  std::vector<std::size_t> before_;   ///< per job that continues: that one
  std::vector<bool> chosen_;
  std::vector<Piece> pieces_;
  std::vector<std::vector<std::uint8_t>> result_;  ///< per job: what it must give
  std::map<std::size_t, std::vector<std::uint8_t>> x_, w_, y_;
  std::uint64_t compared_{0};
  std::vector<std::string> failures_;
};

}  // namespace etude::run
