// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/place_step.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compiler/lower/stored_tensors.h"
#include "compiler/memory/memory_plan.h"
#include "compiler/order/chains.h"
#include "compiler/order/encode.h"
#include "compiler/order/l1_buffers.h"
#include "compiler/order/list_cycles.h"
#include "compiler/order/order.h"
#include "kernels/include/etude_boot.h"
#include "kernels/include/etude_task.h"
#include "models/base/error.h"
#include "models/base/pulp_map_regs.h"
#include "workloads/training/counts.h"

namespace etude::compiler {
namespace {

/// Bytes of a task list that are in L2: all of it (0), a ring of parts that come long before they
/// are needed, or the least that hides a transfer behind what the runtime has fetched already.
constexpr Bytes kListWindows[] = {Bytes{0}, Bytes{65536}, Bytes{16384}};
constexpr Address kL2{ETUDE_L2_BASE};
constexpr Bytes kEndlessL2{256u << 20};
/// Where the task list begins: behind the runtime, and the code of decoding where that is needed.
Address data_address(bool decodes) {
  return Address{ETUDE_DATA_ADDRESS} + Bytes{decodes ? ETUDE_DECODE_BYTES : 0};
}

std::vector<Placement> placements_of(WorkloadConfig::Home home) {
  switch (home) {
    case WorkloadConfig::Home::kL2:
      return {Placement::kL2};
    case WorkloadConfig::Home::kExtmem:
      return {Placement::kExtmem, Placement::kExtmemTwice};
    case WorkloadConfig::Home::kAuto:
      return {Placement::kL2, Placement::kExtmem, Placement::kExtmemTwice};
  }
  return {};
}

void add_places(const Graph& graph, const Tape& tape, const MemoryPlan& plan, Program& made) {
  for (const auto& [tensor, object] : plan.home) {
    const Tensor& t = graph.tensor(tensor);
    const TensorPlace place{tensor,           t.name,  tape.objects[object].address,
                            Bytes{t.bytes()}, t.shape, t.dtype};
    if (t.kind == TensorKind::kInput) {
      made.inputs.push_back(place);
    } else if (t.kind == TensorKind::kParameter) {
      made.parameters.push_back(place);
    } else if (t.kind == TensorKind::kState) {
      made.states.push_back(place);
    } else {
      made.loss = place;
    }
  }
}

/// Bytes of a task list, or of its ring, up to the first object.
Bytes before_objects(Address data, Bytes list) { return data + (list + Bytes{63}) / 64 * 64 - kL2; }

Bytes ring(Bytes window) { return Bytes{ETUDE_TASK_FIRST_OP} + window; }

class StepPlacer {
 public:
  StepPlacer(const Step& step, const KnownStep& known, const std::vector<PagedStorage>& paged,
             const PlaceLimits& limits, Cycle limit)
      : step_(step),
        known_(known),
        written_(known.written()),
        paged_(paged),
        limits_(limits),
        limit_(limit) {}

  std::optional<Program> run() {
    for (const Bytes window : kListWindows) {
      if (window != Bytes{} && limits_.any_l2) {
        break;
      }
      for (const Placement placement : placements_of(limits_.home)) {
        if (window != Bytes{} && placement == Placement::kL2) {
          continue;  // everything is in L2 then, the task list too
        }
        auto made = try_placement(placement, window);
        if (made || too_slow_) {
          return made;
        }
      }
      if (short_of_budget_) {
        break;  // a shorter list leaves no more
      }
    }
    if (short_of_budget_) {
      throw ShortOfBudget("/schedule/budget",
                          "is " + std::to_string(limits_.budget->raw()) + " bytes, " +
                              std::to_string(last_.missing.raw()) + " bytes short when '" +
                              last_.worst + "' needs its place",
                          "give a larger budget or another policy");
    }
    throw UserError("/platform/l2/size",
                    "is " + std::to_string(step_.platform.l2.size.raw()) + ", " +
                        std::to_string(last_.missing.raw()) + " bytes short when '" + last_.worst +
                        "' needs its place",
                    limits_.home == WorkloadConfig::Home::kL2
                        ? "give a larger L2, a smaller batch, or /workload/home extmem"
                        : "give a larger L2 or a smaller batch");
  }

 private:
  /// `window`: if not 0, the task list is at home in HyperRAM, and so much of it at a time in L2.
  std::optional<Program> try_placement(Placement placement, Bytes window) {
    const bool windowed = window != Bytes{};
    const Bytes l2 = limits_.any_l2 ? kEndlessL2 : step_.platform.l2.size;
    const Address end = kL2 + l2;
    // The task list lies below everything else; its length is known only in the end.
    Bytes reserve = windowed ? ring(window) : Bytes{written_.tape.ops.size() * 96 + 1024};
    for (;;) {
      const Address base = kL2 + before_objects(data_, reserve);
      if (base >= end) {
        short_of_budget_ = false;
        last_.worst = "the task list";
        last_.missing = base - end;
        return std::nullopt;
      }
      Tape tape(written_.tape, step_.cost);
      const Bytes home =
          placement == Placement::kL2 ? home_bytes(tape, limits_.packed_extmem) : Bytes{};
      const Bytes apart = limits_.home_apart ? home : Bytes{};
      short_of_budget_ = limits_.budget && *limits_.budget + apart < end - base;
      const Bytes room = short_of_budget_ ? *limits_.budget + apart : end - base;
      MemoryPlan plan =
          plan_memory(tape, step_.graph(), placement, base, room, paged_, limits_.packed_extmem);
      if (!plan.fits) {
        last_ = std::move(plan);
        return std::nullopt;
      }
      if (too_long(tape)) {
        too_slow_ = true;
        return std::nullopt;
      }
      const Dependences needed = find_needed_dependences(tape.ops);
      const StepGraph graph = StepGraph::of_needed(tape.ops, needed, tape.timing().units());
      const PostOrder order = known_.order(graph, one_dma(), limit_);
      too_slow_ = order.order.empty();
      if (too_slow_) {
        return std::nullopt;
      }
      const Bytes list = list_size(list_length(tape, graph, order.order));
      if (!windowed && list > reserve) {
        reserve = list + Bytes{2048};
        continue;
      }
      Program made = encoded(tape, graph, needed, order, plan, window);
      too_slow_ = made.modelled_cycles >= limit_;
      if (too_slow_) {
        return std::nullopt;
      }
      made.layers = std::move(tape.layers);
      made.stored = stored_tensors(tape, step_.graph());
      made.budget = limits_.budget;
      for (const auto& [tensor, packed] : tape.packed_of) {
        const StoredObject& numbers = tape.objects[packed.numbers];
        const StoredObject& scales = tape.objects[packed.scales];
        made.packed.push_back(
            {tensor, numbers.name, numbers.address, scales.address, numbers.bytes, scales.bytes});
      }
      made.home_extmem = placement != Placement::kL2;
      made.memory.l2_fixed = base - kL2 + apart;
      made.memory.l2_home = home;
      made.memory.l2_enough = enough(made.memory, l2, windowed);
      if (limits_.budget && made.memory.l2_enough > *limits_.budget) {
        // Of the budget what finds no room is none.
        made.memory.l2_fixed =
            std::min(made.memory.l2_fixed, made.memory.l2_enough - *limits_.budget);
      }
      made.memory.l2_peak = base - kL2 + plan.l2_peak;
      made.memory.l3_peak = plan.external_bytes;
      made.memory.flash_pages = plan.flash_bytes;
      made.memory.activations_peak = plan.activations_peak;
      add_places(step_.graph(), tape, plan, made);
      check_external(made);
      add_figures(made);
      return made;
    }
  }

  /// Where a ring of the list, or an L2 without an end, was given, the budget behind it is placed
  /// the same in every L2 that has room for both; else only this one is known.
  Bytes enough(const MemoryFigures& memory, Bytes l2, bool windowed) const {
    if (!limits_.budget) {
      return l2;
    }
    const Bytes whole = memory.l2_fixed + *limits_.budget;
    return limits_.any_l2 || (windowed && whole <= l2) ? whole : l2;
  }

  /// Both directions of the cluster DMA in one engine.
  bool one_dma() const { return step_.platform.cluster.dma.engine == DmaConfig::Engine::kIdma; }

  /// No order takes less than the limit, because one unit alone takes longer.
  bool too_long(const Tape& tape) const {
    std::array<Cycle, kQueues> sums{};
    for (const PlanOp& op : tape.ops) {
      const unsigned queue = queue_of(op);
      sums[one_dma() && queue == kOutwards ? queue_of(TaskUnit::kDma) : queue] += op.cycles;
    }
    return *std::ranges::max_element(sums) > limit_;
  }

  /// The program's task list, with its probes and buffers.
  Program encoded(Tape& tape, const StepGraph& graph, const Dependences& needed,
                  const PostOrder& order, MemoryPlan& plan, Bytes in_l2) const {
    Program made;
    auto places = encode(tape, graph, order.order, made);
    made.modelled_cycles = order.cycles;
    if (in_l2 != Bytes{}) {
      const ListWindow window =
          list_window(in_l2, static_cast<std::uint32_t>(made.tasks.operations.size()), plan, tape);
      made = {};
      places = encode(tape, graph, order.order, made, window);
      made.tasks.window = window.bytes;
      made.tasks.home = window.home;
      // Where chains are known to the begin of the list, what they imply is left out once more.
      const bool whole = tape.ops.size() + window.parts <= Chains::kWords * 64;
      made.modelled_cycles = cycles_with_list(tape, whole ? needed : find_dependences(tape.ops),
                                              order.order, places, made, window.layer, one_dma());
    }
    made.tasks.address = data_;
    for (const PlanOp& op : tape.ops) {
      made.kernel_cycles += op.as<KernelCall>() != nullptr && op.probe < 0 ? op.cycles : Cycle{0};
    }
    made.l1_reserved = written_.l1_reserved;
    made.l1_buffers = l1_buffers(tape.ops, places, written_.l1_blocks);
    made.warnings = step_.warnings();
    return made;
  }

  ListWindow list_window(Bytes bytes, std::uint32_t ops, MemoryPlan& plan, Tape& tape) const {
    const auto part_ops = static_cast<std::uint32_t>(bytes.raw() / 2 / sizeof(etude_op));
    ListWindow window;
    window.bytes = bytes;
    window.address = data_ + Bytes{ETUDE_TASK_FIRST_OP};
    window.home = Address{ETUDE_HYPERRAM_BASE} + plan.external_bytes;
    while (window.parts * part_ops < ops + 2 * window.parts) {
      ++window.parts;
    }
    window.layer = static_cast<std::uint32_t>(tape.layers.size());
    tape.layers.push_back({"page task list", "Page", "page", "dma", 0});
    plan.external_bytes += window.parts * bytes / 2;
    return window;
  }

  void check_external(const Program& made) const {
    const std::uint64_t size = step_.platform.hyperram.size.raw();
    if (made.memory.l3_peak.raw() > size) {
      throw UserError("/platform/hyperram/size",
                      "is " + std::to_string(size) + ", " +
                          std::to_string(made.memory.l3_peak.raw() - size) + " bytes short",
                      "give a larger HyperRAM or a smaller network");
    }
    const Bytes flash = step_.platform.flash.size;
    if (made.memory.flash_pages > flash) {
      throw UserError("/platform/flash/size",
                      "is " + std::to_string(flash.raw()) + ", " +
                          std::to_string((made.memory.flash_pages - flash).raw()) +
                          " bytes short of what is paged there",
                      "give a larger flash, or page to \"extmem\"");
    }
  }

  void add_figures(Program& made) const {
    const GraphCounts counts = count(step_.graph());
    MemoryFigures& memory = made.memory;
    memory.l1_peak = made.l1_reserved + written_.l1_peak;
    memory.parameters = Bytes{counts.parameter_bytes};
    for (const auto& [tensor, packed] : step_.packed) {
      memory.parameters -= Bytes{step_.tensor(tensor).bytes()};
      memory.parameters += packed.number_bytes() + packed.scale_bytes();
    }
    memory.trainable = Bytes{counts.gradient_bytes};
    memory.gradients = Bytes{counts.gradient_bytes};
    memory.activations_peak_gradients_kept =
        Bytes{memory.activations_peak.raw() + counts.gradient_bytes};
  }

  const Step& step_;
  const KnownStep& known_;
  const WrittenStep& written_;
  const std::vector<PagedStorage>& paged_;
  const PlaceLimits limits_;
  Cycle limit_;
  const Address data_ = data_address(!step_.packed.empty());
  bool too_slow_ = false;         ///< it fits, but no order takes less than the limit
  bool short_of_budget_ = false;  ///< the last placement did not fit into the budget
  MemoryPlan last_;               ///< of the placement that did not fit
};

}  // namespace

Bytes least_l2_fixed() {
  return before_objects(data_address(false), ring(std::end(kListWindows)[-1]));
}

std::optional<Program> place_step(const Step& step, const KnownStep& known,
                                  const std::vector<PagedStorage>& paged, const PlaceLimits& limits,
                                  Cycle limit) {
  return StepPlacer(step, known, paged, limits, limit).run();
}

}  // namespace etude::compiler
