// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/lower.h"

#include <algorithm>

#include "compiler/emit/conv_plan.h"
#include "compiler/emit/image_operators.h"
#include "compiler/feeds/context.h"
#include "compiler/memory/memory_plan.h"
#include "compiler/operators/operator_table.h"
#include "compiler/operators/rewrite.h"
#include "compiler/order/encode.h"
#include "compiler/order/l1_buffers.h"
#include "compiler/order/order.h"
#include "kernels/include/etude_boot.h"
#include "kernels/include/etude_task.h"
#include "models/base/error.h"
#include "models/base/pulp_map_regs.h"
#include "workloads/ops/op_rules.h"
#include "workloads/training/counts.h"

namespace etude {

namespace {

class Lowering {
 public:
  Lowering(const TrainingGraph& training, const PlatformConfig& platform,
           const LowerOptions& options)
      : training_(with_binary_sums(training)),
        storage_(training_.graph),
        platform_(platform),
        options_(options) {}

  /// Lowers with the usual sharing of L1, then looks for a better one around it, one choice after
  /// the other: the timeline of the whole step sees overlap that no operator alone can price.
  Program run() {
    SharingChoice best;
    Program found;
    try {
      found = lower_with(best);
    } catch (const UserError&) {
      best.transfer = kLongTransfer;  // fewer operations: a shorter task list
      return lower_with(best);
    }
    if (found.tasks.operations.size() > kLargeProgram) {
      return found;
    }
    const auto attempt = [&](SharingChoice choice) {
      try {
        Program other = lower_with(choice);
        if (other.modelled_cycles < found.modelled_cycles) {
          found = std::move(other);
          best = choice;
        }
      } catch (const UserError&) {
        // A choice that does not fit is no choice.
      }
    };
    for (const double product : {0.3, 0.45, 0.8}) {
      SharingChoice choice = best;
      choice.product = product;
      attempt(choice);
    }
    for (const double backward : {0.45, 0.85, 1.0}) {
      SharingChoice choice = best;
      choice.backward = backward;
      attempt(choice);
    }
    const bool images = std::ranges::any_of(
        training_.graph.nodes(), [](const Node& node) { return node.op == OpType::kConv; });
    if (images) {
      SharingChoice choice = best;
      choice.filters_in_turn = true;
      attempt(choice);
    }
    for (const std::uint32_t columns : {48u, 64u, 128u}) {
      SharingChoice choice = best;
      choice.least_columns = columns;
      attempt(choice);
    }
    for (const std::uint32_t transfer : {4096u, 6144u, 12288u, 16384u}) {
      SharingChoice choice = best;
      choice.transfer = transfer;
      attempt(choice);
    }
    return found;
  }

 private:
  /// Programs with more operations are lowered once: a second look would take too long.
  static constexpr std::uint32_t kLargeProgram = 6000;
  static constexpr std::uint32_t kLongTransfer = 65536;
  /// Bytes of a task list that are in L2 when the list as a whole is not.
  static constexpr std::uint32_t kListWindow = 65536;

  Program lower_with(const SharingChoice& sharing) {
    const ClusterConfig& cluster = platform_.cluster;
    const RedmuleConfig& array = cluster.redmule;
    const bool fp16_array = array.enabled && array.format == RedmuleConfig::Format::kFp16;
    const bool mixed = options_.precision == TrainConfig::Precision::kMixedFp16;
    if (mixed && !fp16_array) {
      throw UserError("/train/precision", "mixed_fp16 needs a RedMulE of format fp16",
                      "set /platform/cluster/redmule/format to fp16, or precision to fp32");
    }
    program_ = {};
    LoweringContext context{training_,
                            storage_,
                            platform_,
                            options_.tiling,
                            CostModel(platform_),
                            OpSequence(cost_, sharing.transfer),
                            l1_manager(),
                            {},
                            {},
                            {},
                            {},
                            l1_base() - 8,
                            0,
                            {},
                            array.enabled && (mixed || !fp16_array),
                            mixed,
                            true,
                            sharing,
                            {}};
    context.set_operators(group_operators(training_.graph, storage_, array.enabled && !fp16_array));
    if (fp16_array && !mixed) {
      program_.warnings.push_back(
          "RedMulE has the format fp16: FP32 matrix multiplications run on the cores");
    }
    make_objects(context);
    make_layers(context);
    lower_operators(context);
    drop_unread_stores(context);
    place(context);
    figures(context);
    return std::move(program_);
  }

  std::uint32_t l1_base() const {
    const std::uint32_t reserved = ETUDE_L1_RESERVED(platform_.cluster.cores);
    return ETUDE_L1_BASE + (reserved + 7) / 8 * 8 + 8;  // 8: the loss
  }

  L1Manager l1_manager() const {
    const auto size = static_cast<std::uint32_t>(platform_.cluster.tcdm.size.raw());
    const std::uint32_t before = l1_base() - ETUDE_L1_BASE;
    if (size < before + 256) {
      throw UserError(
          "/platform/cluster/tcdm/size",
          "is " + std::to_string(size) + ", and the runtime alone needs " + std::to_string(before),
          "give at least " + std::to_string(before + 4096));
    }
    std::uint32_t bytes = size - before;
    const auto budget = static_cast<std::uint32_t>(options_.tiling.l1_budget.raw());
    if (budget != 0) {
      bytes = std::min(bytes, budget);
    }
    std::vector<L1Manager::Known> known;
    for (TensorId id = 0; id < training_.graph.tensors().size(); ++id) {
      const Shape& shape = training_.graph.tensor(id).shape;
      known.push_back(
          {storage_.base(id), shape.empty() ? 1 : static_cast<std::uint32_t>(shape.back())});
    }
    return {l1_base(), bytes, std::move(known)};
  }

  void make_objects(LoweringContext& c) const {
    for (TensorId id = 0; id < c.graph().tensors().size(); ++id) {
      const Tensor& tensor = c.tensor(id);
      if (storage_.base(id) != id) {
        continue;
      }
      StoredObject object;
      object.name = tensor.name;
      object.bytes = static_cast<std::uint32_t>(tensor.bytes());
      object.parameter = tensor.kind == TensorKind::kParameter;
      object.persistent = object.parameter || tensor.kind == TensorKind::kInput ||
                          tensor.kind == TensorKind::kState || tensor.kind == TensorKind::kLoss;
      c.object_of[id] = static_cast<ObjectId>(c.objects.size());
      c.objects.push_back(object);
    }
  }

  static void make_layers(LoweringContext& c) {
    for (const Node& node : c.graph().nodes()) {
      c.layers.push_back({node.name, name_of(node.op), name_of(node.phase), "cores",
                          rules_of(node.op).macs(c.graph(), node)});
    }
  }

  static void lower_one(LoweringContext& c) {
    const Operator& op = c.operators[c.current];
    switch (row_of(c.graph().node(op.node).op).family) {
      case Family::kGemm:
        return op.input_grad ? lower_linear_backward(c, op) : lower_gemm(c, op);
      case Family::kMse:
        return lower_mse(c, op);
      case Family::kCrossEntropy:
        return lower_cross_entropy(c, op);
      case Family::kReduce:
        return sums_pixels(c.graph(), c.graph().node(op.node)) ? lower_channel_sum(c, op)
                                                               : lower_reduce(c, op);
      case Family::kElementwise:
        return lower_elementwise(c, op);
      case Family::kCopy:
        return lower_copy(c, op);
      case Family::kConv:
        return lower_conv(c, op);
      case Family::kConvGradWeight:
        return lower_conv_grad_weight(c, op);
      case Family::kConvGradInput:
        return lower_conv_grad_input(c, op);
      case Family::kBatchNorm:
        return lower_batch_norm(c, op);
      case Family::kPool:
        return lower_pool(c, op);
      case Family::kRowwise:
        return lower_rowwise(c, op);
      case Family::kLayerNormAffineGrad:
        return lower_layer_norm_affine_grad(c, op);
      case Family::kUpdate:
        return lower_update(c, op);
      case Family::kWithLoss:
        break;
      case Family::kNone:
        throw NotAvailable("node '" + c.graph().node(op.node).name + "'",
                           std::string("operator ") + name_of(c.graph().node(op.node).op) +
                               " is not available on the simulated chip yet",
                           "use operators of docs/workloads.md that are");
    }
    throw UserError("node '" + c.graph().node(op.node).name + "'", "cannot be lowered alone",
                    "put it beside its loss");
  }

  /// With all of L1 for the operator.
  static void lower_alone(LoweringContext& c) {
    try {
      lower_one(c);
    } catch (const NoRoom&) {
      throw UserError("operator '" + c.graph().node(c.operators[c.current].node).name + "'",
                      "its buffers do not fit into the " + std::to_string(c.l1.capacity()) +
                          " bytes of L1 that it has for itself",
                      "give a larger /platform/cluster/tcdm/size or /tiling/l1_budget");
    }
  }

  void lower_operators(LoweringContext& c) const {
    c.sequence.set_layer(0);
    c.sequence.fill({c.loss_cell, 1, 1, 1}, 0.0f);
    for (c.current = 0; c.current < c.operators.size(); ++c.current) {
      c.sequence.set_stage(static_cast<std::uint32_t>(c.current));
      const std::size_t ops = c.sequence.ops.size();
      const std::size_t probes = c.sequence.probes.size();
      const L1Manager before = c.l1;
      try {
        c.l1.begin_operator(static_cast<std::uint32_t>(c.current));
        c.residents = true;
        lower_one(c);
      } catch (const NoRoom&) {
        c.sequence.ops.resize(ops);
        c.sequence.probes.resize(probes);
        c.l1 = before;
        c.l1.begin_operator(static_cast<std::uint32_t>(c.current));
        c.l1.clear();
        c.residents = false;
        lower_alone(c);
      }
      c.l1.end_operator();
      for (TensorId tensor : c.l1.tensors()) {
        if (c.next_use(tensor) > c.sharing.keep_for + 1) {
          c.l1.drop(tensor);
        }
      }
    }
  }

  void place(const LoweringContext& lowered) {
    std::vector<Placement> tries;
    switch (options_.home) {
      case WorkloadConfig::Home::kL2:
        tries = {Placement::kL2};
        break;
      case WorkloadConfig::Home::kExtmem:
        tries = {Placement::kExtmem, Placement::kExtmemTwice};
        break;
      case WorkloadConfig::Home::kAuto:
        tries = {Placement::kL2, Placement::kExtmem, Placement::kExtmemTwice};
        break;
    }
    MemoryPlan last;
    for (const bool windowed : {false, true}) {
      for (Placement placement : tries) {
        if (windowed && placement == Placement::kL2) {
          continue;  // everything is in L2 then, the task list too
        }
        if (try_placement(lowered, placement, windowed, last)) {
          return;
        }
      }
    }
    throw UserError("/platform/l2/size",
                    "is " + std::to_string(platform_.l2.size.raw()) + ", " +
                        std::to_string(last.missing) + " bytes short when '" + last.worst +
                        "' needs its place",
                    options_.home == WorkloadConfig::Home::kL2
                        ? "give a larger L2, a smaller batch, or /workload/home extmem"
                        : "give a larger L2 or a smaller batch");
  }

  /// `windowed`: the task list is at home in HyperRAM, and a part of it at a time in L2.
  bool try_placement(const LoweringContext& lowered, Placement placement, bool windowed,
                     MemoryPlan& last) {
    const std::uint32_t end = ETUDE_L2_BASE + static_cast<std::uint32_t>(platform_.l2.size.raw());
    // The task list lies below everything else; its length is known only in the end.
    std::uint32_t reserve =
        windowed ? ETUDE_TASK_FIRST_OP + kListWindow
                 : static_cast<std::uint32_t>(lowered.sequence.ops.size() * 96) + 1024;
    for (;;) {
      const std::uint32_t base = ETUDE_DATA_ADDRESS + (reserve + 63) / 64 * 64;
      if (base >= end) {
        last.worst = "the task list";
        last.missing = base - end;
        return false;
      }
      LoweringContext context = lowered;
      MemoryPlan plan = plan_memory(context, placement, base, end - base);
      if (!plan.fits) {
        last = std::move(plan);
        return false;
      }
      const auto dependences = find_dependences(context.sequence.ops);
      const PostOrder order = best_order(context.sequence.ops, dependences,
                                         platform_.cluster.dma.engine == DmaConfig::Engine::kIdma);
      Program made;
      made.warnings = program_.warnings;
      auto places_in_list = encode(context.sequence, dependences, order.order, made);
      if (windowed) {
        const ListWindow window =
            list_window(static_cast<std::uint32_t>(made.tasks.operations.size()), plan, context);
        made = {};
        made.warnings = program_.warnings;
        places_in_list = encode(context.sequence, dependences, order.order, made, window);
        made.tasks.window = Bytes{window.bytes};
        made.tasks.home = Address{window.home};
      } else if (made.tasks.bytes.size() > reserve) {
        reserve = static_cast<std::uint32_t>(made.tasks.bytes.size()) + 2048;
        continue;
      }
      made.l1_reserved = Bytes{l1_base() - ETUDE_L1_BASE};
      made.l1_buffers = l1_buffers(context.sequence.ops, places_in_list, context.l1.blocks());
      made.tasks.address = Address{ETUDE_DATA_ADDRESS};
      made.modelled_cycles = Cycle{order.cycles};
      made.layers = context.layers;
      made.home_extmem = placement != Placement::kL2;
      made.memory.l2_peak =
          Bytes{ETUDE_DATA_ADDRESS - ETUDE_L2_BASE +
                (windowed ? reserve : made.tasks.bytes.size()) + std::uint64_t{plan.l2_peak}};
      made.memory.l3_peak = Bytes{plan.external_bytes};
      made.memory.activations_peak = Bytes{plan.activations_peak};
      places(context, plan, made);
      check_external(made);
      program_ = std::move(made);
      return true;
    }
  }

  static ListWindow list_window(std::uint32_t ops, MemoryPlan& plan, LoweringContext& context) {
    constexpr std::uint32_t part_ops = kListWindow / 2 / sizeof(etude_op);
    ListWindow window;
    window.bytes = kListWindow;
    window.address = ETUDE_DATA_ADDRESS + ETUDE_TASK_FIRST_OP;
    window.home = ETUDE_HYPERRAM_BASE + plan.external_bytes;
    while (window.parts * part_ops < ops + 2 * window.parts) {
      ++window.parts;
    }
    window.layer = static_cast<std::uint32_t>(context.layers.size());
    context.layers.push_back({"page task list", "Page", "page", "dma", 0});
    plan.external_bytes += window.parts * kListWindow / 2;
    return window;
  }

  void check_external(const Program& made) const {
    const std::uint64_t size = platform_.hyperram.size.raw();
    if (made.memory.l3_peak.raw() > size) {
      throw UserError("/platform/hyperram/size",
                      "is " + std::to_string(size) + ", " +
                          std::to_string(made.memory.l3_peak.raw() - size) + " bytes short",
                      "give a larger HyperRAM or a smaller network");
    }
  }

  static void places(const LoweringContext& c, const MemoryPlan& plan, Program& made) {
    for (const auto& [tensor, object] : plan.home) {
      const Tensor& t = c.tensor(tensor);
      const TensorPlace place{tensor,           t.name,  Address{c.objects[object].address},
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

  void figures(const LoweringContext& c) {
    const GraphCounts counts = count(c.graph());
    MemoryFigures& memory = program_.memory;
    memory.l1_peak = Bytes{program_.l1_reserved.raw() + c.l1.peak()};
    memory.parameters = Bytes{counts.parameter_bytes};
    memory.trainable = Bytes{counts.gradient_bytes};
    memory.gradients = Bytes{counts.gradient_bytes};
    memory.activations_peak_gradients_kept =
        Bytes{memory.activations_peak.raw() + counts.gradient_bytes};
  }

  const TrainingGraph training_;
  const StoragePlan storage_;
  const PlatformConfig& platform_;
  const LowerOptions& options_;
  CostModel cost_{platform_};
  Program program_;
};

}  // namespace

Program lower_step(const TrainingGraph& training, const PlatformConfig& platform,
                   const LowerOptions& options) {
  return Lowering(training, platform, options).run();
}

}  // namespace etude
