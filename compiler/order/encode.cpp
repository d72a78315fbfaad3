// SPDX-License-Identifier: Apache-2.0
#include "compiler/order/encode.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/include/etude_task.h"
#include "models/base/pulp_map_regs.h"

namespace etude::compiler {

namespace {

struct Encode {
  etude_op operator()(const End&) const { return made(ETUDE_OP_END, {}); }
  etude_op operator()(const Wait& w) const {
    return made(ETUDE_OP_WAIT, {static_cast<std::uint32_t>(w.unit), w.count});
  }
  etude_op operator()(const KernelCall& call) const {
    etude_op op = made(ETUDE_OP_KERNEL, {call.kernel});
    std::ranges::copy(call.args, op.arg + 1);
    return op;
  }
  etude_op operator()(const MatrixJob& j) const {
    constexpr std::uint32_t kFp16 = 1, kFp32 = 4;
    return made(ETUDE_OP_REDMULE, {j.x.raw(), j.w.raw(), j.z.raw(), j.m, j.n, j.k,
                                   j.accumulate ? 1u : 0u, j.half ? kFp16 : kFp32});
  }
  etude_op operator()(const Transfer& t) const {
    const auto direction = t.to_l1 ? ETUDE_DMA_TO_L1 : ETUDE_DMA_TO_L2;
    return made(ETUDE_OP_DMA, {static_cast<std::uint32_t>(direction), t.l1.raw(), t.l2.raw(),
                               t.row_bytes, t.rows, t.l1_pitch, t.l2_pitch});
  }
  etude_op operator()(const PageTransfer& p) const {
    return made(ETUDE_OP_SOC_DMA, {p.from.raw(), p.to.raw(), p.bytes, p.bytes, 1});
  }
  etude_op operator()(const FlashErase& e) const {
    return made(ETUDE_OP_SOC_DMA, {ETUDE_SOC_DMA_SRC_ERASE, e.first.raw(), e.bytes, e.bytes, 1});
  }

 private:
  static etude_op made(std::uint16_t code, std::initializer_list<std::uint32_t> args) {
    etude_op op{};
    op.code = code;
    std::ranges::copy(args, op.arg);
    return op;
  }
};

etude_op encoded(const Operation& operation) {
  etude_op op = std::visit(Encode{}, operation.what);
  op.unit = operation.posted() ? static_cast<std::uint16_t>(operation.unit()) : 0;
  op.layer = operation.layer;
  return op;
}

/// Which waits an operation needs in front of it, one operation after the other in their order.
class Waits {
 public:
  explicit Waits(const StepGraph& graph) : graph_(graph), number_(graph.size(), 0) {}

  /// Calls found(unit, count) for each, and counts the operation where it is none of the probes.
  template <class Found>
  void before(std::uint32_t i, const Found& found) {
    std::array<std::uint32_t, kUnits> needed{};
    // A queue works in order by itself; a probe has happened when its position is passed.
    for (const std::uint32_t before : graph_.foreign(i)) {
      if (!graph_.probe(before)) {
        std::uint32_t& most = needed[unit_of(graph_.queue(before))];
        most = std::max(most, number_[before]);
      }
    }
    for (unsigned unit = 0; unit < kUnits; ++unit) {
      if (needed[unit] > waited_[unit]) {
        waited_[unit] = needed[unit];
        found(static_cast<TaskUnit>(unit), needed[unit]);
      }
    }
  }
  /// Counts an operation that is posted behind its waits.
  void post(std::uint32_t i) { number_[i] = post(static_cast<TaskUnit>(unit_of(graph_.queue(i)))); }
  /// One that is not in the graph; its number on the unit, from 1.
  std::uint32_t post(TaskUnit unit) { return ++posted_[queue_of(unit)]; }
  /// Whether it is known that so many of a unit's are over; from now on it is.
  bool wait(TaskUnit unit, std::uint32_t count) {
    std::uint32_t& waited = waited_[queue_of(unit)];
    const bool known = count <= waited;
    waited = std::max(waited, count);
    return known;
  }

 private:
  const StepGraph& graph_;
  std::vector<std::uint32_t> number_;  ///< of each operation on its unit, from 1
  std::array<std::uint32_t, kUnits> posted_{};
  std::array<std::uint32_t, kUnits> waited_{};
};

class Encoder {
 public:
  Encoder(const Tape& tape, const StepGraph& graph, Program& program, const ListWindow& window)
      : tape_(tape), graph_(graph), program_(program), window_(window), waits_(graph) {}

  std::vector<std::uint32_t> run(const std::vector<std::uint32_t>& order) {
    std::vector<std::uint32_t> places(tape_.ops.size(), kNotInList);
    if (window_.parts == 0) {
      const std::size_t length = list_length(tape_, graph_, order);
      operations_.reserve(length);
      program_.l2_used.reserve(length);
    }
    for (std::uint32_t i : order) {
      const PlanOp& plan = tape_.ops[i];
      bring_list();
      wait_for(i);
      if (plan.probe >= 0) {
        add_probe(tape_.probes[static_cast<std::size_t>(plan.probe)]);
        continue;
      }
      waits_.post(i);
      places[i] = place();
      operations_.push_back(plan);
      program_.l2_used.resize(
          operations_.size(),
          static_cast<std::uint32_t>(plan.l2_used.raw()));  // the waits before it too
    }
    Operation& end = operations_.emplace_back();
    end.layer = operations_.size() < 2 ? 0 : operations_[operations_.size() - 2].layer;
    write();
    return places;
  }

 private:
  /// Operations that the runtime may have fetched ahead (its ring in L1), with some to spare.
  static constexpr std::size_t kFetchedAhead = 64;

  std::uint32_t place() const { return static_cast<std::uint32_t>(operations_.size()); }

  void write() {
    program_.tasks.bytes = list_bytes(operations_, window_.bytes);
    program_.tasks.operations = std::move(operations_);
  }

  std::size_t first_of(std::uint32_t part) const {
    return part * (window_.bytes.raw() / 2 / sizeof(etude_op));
  }

  /// Asks for the next part of the list as soon as the one whose place it takes has been left, and
  /// waits for it before the runtime fetches from it.
  void bring_list() {
    if (next_part_ < window_.parts && operations_.size() >= first_of(next_part_ - 1)) {
      const Bytes part = window_.bytes / 2;
      Operation& load = operations_.emplace_back();
      load.what =
          PageTransfer{window_.home + next_part_ * part, window_.address + next_part_ % 2 * part,
                       static_cast<std::uint32_t>(part.raw())};
      load.layer = window_.layer;
      part_token_ = waits_.post(TaskUnit::kSocDma);
      ++next_part_;
    }
    if (awaited_part_ < next_part_ &&
        operations_.size() + kFetchedAhead >= first_of(awaited_part_)) {
      ++awaited_part_;
      if (!waits_.wait(TaskUnit::kSocDma, part_token_)) {
        push_wait(TaskUnit::kSocDma, part_token_, window_.layer);
      }
    }
  }

  void push_wait(TaskUnit unit, std::uint32_t count, std::uint32_t layer) {
    Operation& wait = operations_.emplace_back();
    wait.what = Wait{unit, count};
    wait.layer = layer;
  }

  void wait_for(std::uint32_t i) {
    waits_.before(
        i, [&](TaskUnit unit, std::uint32_t count) { push_wait(unit, count, tape_.ops[i].layer); });
  }

  void add_probe(const ProbeRequest& request) {
    TensorProbe probe;
    probe.piece.op = place();  // whatever comes next
    probe.piece.address = request.piece.address;
    probe.piece.rows = request.piece.rows;
    probe.piece.row_bytes = Bytes{request.piece.row_bytes()};
    probe.piece.pitch = Bytes{request.piece.pitch_bytes()};
    probe.tensor = request.tensor;
    probe.tensor_offset = request.tensor_offset;
    probe.tensor_pitch = request.tensor_pitch;
    program_.probes.push_back(probe);
  }

  const Tape& tape_;
  const StepGraph& graph_;
  Program& program_;
  ListWindow window_;
  std::uint32_t next_part_ = 2, awaited_part_ = 2;  ///< the first two are there from the start
  std::uint32_t part_token_ = 0;
  Waits waits_;
  std::vector<Operation> operations_;
};

}  // namespace

Bytes list_size(std::size_t operations) {
  return Bytes{ETUDE_TASK_FIRST_OP + operations * sizeof(etude_op)};
}

std::size_t list_length(const Tape& tape, const StepGraph& graph,
                        const std::vector<std::uint32_t>& order) {
  Waits waits(graph);
  std::size_t length = 1;  // the end
  for (const std::uint32_t i : order) {
    waits.before(i, [&](TaskUnit, std::uint32_t) { ++length; });
    if (tape.ops[i].probe < 0) {
      waits.post(i);
      ++length;
    }
  }
  return length;
}

std::vector<std::uint8_t> list_bytes(const std::vector<Operation>& operations, Bytes window) {
  const etude_task_header header{ETUDE_TASK_MAGIC, ETUDE_TASK_VERSION,
                                 static_cast<std::uint32_t>(operations.size()),
                                 static_cast<std::uint32_t>(window.raw())};
  std::vector<std::uint8_t> bytes(list_size(operations.size()).raw(), 0);
  std::memcpy(bytes.data(), &header, sizeof header);
  std::uint8_t* next = bytes.data() + ETUDE_TASK_FIRST_OP;
  for (const Operation& operation : operations) {
    const etude_op op = encoded(operation);
    std::memcpy(next, &op, sizeof op);
    next += sizeof op;
  }
  return bytes;
}

std::vector<std::uint32_t> encode(const Tape& tape, const StepGraph& graph,
                                  const std::vector<std::uint32_t>& order, Program& program,
                                  const ListWindow& window) {
  return Encoder(tape, graph, program, window).run(order);
}

}  // namespace etude::compiler
