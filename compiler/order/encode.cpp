// SPDX-License-Identifier: Apache-2.0
#include "compiler/order/encode.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "compiler/order/order.h"

namespace etude {

namespace {

class Encoder {
 public:
  Encoder(const OpSequence& sequence, const std::vector<std::vector<std::uint32_t>>& dependences,
          Program& program, const ListWindow& window)
      : sequence_(sequence), dependences_(dependences), program_(program), window_(window) {
    number_.resize(sequence.ops.size(), 0);
  }

  std::vector<std::uint32_t> run(const std::vector<std::uint32_t>& order) {
    std::vector<std::uint32_t> places(sequence_.ops.size(), kNotInList);
    for (std::uint32_t i : order) {
      const PlanOp& plan = sequence_.ops[i];
      bring_list();
      wait_for(i);
      if (plan.probe >= 0) {
        add_probe(sequence_.probes[static_cast<std::size_t>(plan.probe)]);
        continue;
      }
      number_[i] = ++posted_[plan.op.unit];
      if (plan.op.code == ETUDE_OP_REDMULE) {
        add_job(plan.op);
      }
      places[i] = static_cast<std::uint32_t>(ops_.size());
      ops_.push_back(plan.op);
      program_.l2_used.resize(ops_.size(), plan.l2_used);  // the waits before it too
    }
    etude_op end{};
    end.code = ETUDE_OP_END;
    end.layer = ops_.empty() ? 0 : ops_.back().layer;
    ops_.push_back(end);
    etude_task_header header{ETUDE_TASK_MAGIC, ETUDE_TASK_VERSION,
                             static_cast<std::uint32_t>(ops_.size()), window_.bytes};
    program_.op_count = header.op_count;
    program_.task_list.assign(ETUDE_TASK_FIRST_OP + ops_.size() * sizeof(etude_op), 0);
    std::memcpy(program_.task_list.data(), &header, sizeof header);
    std::memcpy(program_.task_list.data() + ETUDE_TASK_FIRST_OP, ops_.data(),
                ops_.size() * sizeof(etude_op));
    return places;
  }

 private:
  /// Operations that the runtime may have fetched ahead (its ring in L1), with some to spare.
  static constexpr std::size_t kFetchedAhead = 64;

  std::size_t first_of(std::uint32_t part) const {
    return std::size_t{part} * (window_.bytes / 2 / sizeof(etude_op));
  }

  /// Asks for the next part of the list as soon as the one whose place it takes has been left, and
  /// waits for it before the runtime fetches from it.
  void bring_list() {
    if (next_part_ < window_.parts && ops_.size() >= first_of(next_part_ - 1)) {
      const std::uint32_t bytes = window_.bytes / 2;
      etude_op load{};
      load.code = ETUDE_OP_SOC_DMA;
      load.unit = ETUDE_UNIT_SOC_DMA;
      load.layer = window_.layer;
      const std::uint32_t args[] = {window_.home + next_part_ * bytes,
                                    window_.address + next_part_ % 2 * bytes, bytes, bytes, 1};
      std::ranges::copy(args, load.arg);
      part_token_ = ++posted_[ETUDE_UNIT_SOC_DMA];
      ops_.push_back(load);
      ++next_part_;
    }
    if (awaited_part_ < next_part_ && ops_.size() + kFetchedAhead >= first_of(awaited_part_)) {
      ++awaited_part_;
      if (part_token_ > waited_[ETUDE_UNIT_SOC_DMA]) {
        push_wait(ETUDE_UNIT_SOC_DMA, part_token_, window_.layer);
      }
    }
  }

  void push_wait(unsigned unit, std::uint32_t count, std::uint32_t layer) {
    waited_[unit] = count;
    etude_op wait{};
    wait.code = ETUDE_OP_WAIT;
    wait.layer = layer;
    wait.arg[0] = unit;
    wait.arg[1] = count;
    ops_.push_back(wait);
  }

  void wait_for(std::uint32_t i) {
    const PlanOp& plan = sequence_.ops[i];
    std::array<std::uint32_t, ETUDE_UNITS> needed{};
    for (std::uint32_t before : dependences_[i]) {
      const PlanOp& other = sequence_.ops[before];
      // A queue works in order by itself; a probe has happened when its position is passed.
      if (other.probe < 0 && queue_of(other) != queue_of(plan)) {
        needed[other.op.unit] = std::max(needed[other.op.unit], number_[before]);
      }
    }
    for (unsigned unit = 0; unit < ETUDE_UNITS; ++unit) {
      if (needed[unit] > waited_[unit]) {
        push_wait(unit, needed[unit], plan.op.layer);
      }
    }
  }

  void add_probe(const ProbeRequest& request) {
    TensorProbe probe;
    probe.op = static_cast<std::uint32_t>(ops_.size());  // whatever comes next
    probe.tensor = request.tensor;
    probe.address = Address{request.piece.address};
    probe.rows = request.piece.rows;
    probe.row_bytes = Bytes{4ull * request.piece.cols};
    probe.pitch = Bytes{4ull * request.piece.pitch};
    probe.tensor_offset = Bytes{request.tensor_offset};
    probe.tensor_pitch = Bytes{request.tensor_pitch};
    program_.probes.push_back(probe);
  }

  void add_job(const etude_op& op) {
    GemmJobRecord job;
    job.op = static_cast<std::uint32_t>(ops_.size());
    job.layer = op.layer;
    job.x = Address{op.arg[0]};
    job.w = Address{op.arg[1]};
    job.z = Address{op.arg[2]};
    job.m = op.arg[3];
    job.n = op.arg[4];
    job.k = op.arg[5];
    job.accumulate = op.arg[6] == 1;
    job.half = op.arg[7] != 4;
    program_.gemm_jobs.push_back(job);
  }

  const OpSequence& sequence_;
  const std::vector<std::vector<std::uint32_t>>& dependences_;
  Program& program_;
  ListWindow window_;
  std::uint32_t next_part_ = 2, awaited_part_ = 2;  ///< the first two are there from the start
  std::uint32_t part_token_ = 0;
  std::vector<std::uint32_t> number_;  ///< of each operation on its unit, from 1
  std::array<std::uint32_t, ETUDE_UNITS> posted_{};
  std::array<std::uint32_t, ETUDE_UNITS> waited_{};
  std::vector<etude_op> ops_;
};

}  // namespace

std::vector<std::uint32_t> encode(const OpSequence& sequence,
                                  const std::vector<std::vector<std::uint32_t>>& dependences,
                                  const std::vector<std::uint32_t>& order, Program& program,
                                  const ListWindow& window) {
  return Encoder(sequence, dependences, program, window).run(order);
}

}  // namespace etude
