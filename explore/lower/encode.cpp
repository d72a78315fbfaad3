// SPDX-License-Identifier: Apache-2.0
#include "explore/lower/encode.h"

#include <array>
#include <cstring>

#include "explore/lower/order.h"

namespace etude {

namespace {

class Encoder {
 public:
  Encoder(const OpSequence& sequence, const std::vector<std::vector<std::uint32_t>>& dependences,
          Program& program)
      : sequence_(sequence), dependences_(dependences), program_(program) {
    number_.resize(sequence.ops.size(), 0);
  }

  std::vector<std::uint32_t> run(const std::vector<std::uint32_t>& order) {
    std::vector<std::uint32_t> places(sequence_.ops.size(), kNotInList);
    for (std::uint32_t i : order) {
      const PlanOp& plan = sequence_.ops[i];
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
                             static_cast<std::uint32_t>(ops_.size()), 0};
    program_.op_count = header.op_count;
    program_.task_list.assign(ETUDE_TASK_FIRST_OP + ops_.size() * sizeof(etude_op), 0);
    std::memcpy(program_.task_list.data(), &header, sizeof header);
    std::memcpy(program_.task_list.data() + ETUDE_TASK_FIRST_OP, ops_.data(),
                ops_.size() * sizeof(etude_op));
    return places;
  }

 private:
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
        waited_[unit] = needed[unit];
        etude_op wait{};
        wait.code = ETUDE_OP_WAIT;
        wait.layer = plan.op.layer;
        wait.arg[0] = unit;
        wait.arg[1] = needed[unit];
        ops_.push_back(wait);
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
  std::vector<std::uint32_t> number_;  ///< of each operation on its unit, from 1
  std::array<std::uint32_t, ETUDE_UNITS> posted_{};
  std::array<std::uint32_t, ETUDE_UNITS> waited_{};
  std::vector<etude_op> ops_;
};

}  // namespace

std::vector<std::uint32_t> encode(const OpSequence& sequence,
                                  const std::vector<std::vector<std::uint32_t>>& dependences,
                                  const std::vector<std::uint32_t>& order, Program& program) {
  return Encoder(sequence, dependences, program).run(order);
}

}  // namespace etude
