// SPDX-License-Identifier: Apache-2.0
#include "tests/support/feed_bench.h"

#include <utility>

namespace etude::test {

namespace {

std::string extents(std::uint32_t rows, std::uint32_t bytes, std::uint32_t pitch) {
  const std::string row = std::to_string(rows) + "x" + std::to_string(bytes);
  return rows == 1 ? row : row + "/" + std::to_string(pitch);
}

}  // namespace

FeedBench::FeedBench(std::uint32_t l1_bytes) : l1_bytes_(l1_bytes) {
  RedmuleConfig& array = platform.cluster.redmule;
  array.enabled = true;
  array.format = RedmuleConfig::Format::kFp32;
  array.height = 4;
  array.width = 12;
  array.pipe = 3;
  platform.cluster.cores = 8;
}

TensorId FeedBench::tensor(const std::string& name, Shape shape, DType type) {
  Tensor made;
  made.name = name;
  made.shape = std::move(shape);
  made.dtype = type;
  made.kind = TensorKind::kInput;
  return graph_.add_tensor(std::move(made));
}

TensorId FeedBench::node(const std::string& name, OpType op, std::vector<TensorId> inputs,
                         Attributes attributes) {
  Node made;
  made.name = name + ".node";
  made.op = op;
  made.inputs = std::move(inputs);
  made.attributes = std::move(attributes);
  return graph_.node(graph_.add(std::move(made), {{name, TensorKind::kActivation}})).outputs[0];
}

void FeedBench::read(TensorId tensor) {
  node("read" + std::to_string(graph_.nodes().size()), OpType::kRelu, {tensor});
}

compiler::LoweringContext& FeedBench::context() {
  if (context_) {
    return *context_;
  }
  TrainingGraph training;
  training.graph = graph_;
  step_ = std::make_unique<compiler::Step>(training, platform, tiling, precision);
  std::vector<compiler::L1Manager::Known> known;
  for (TensorId id = 0; id < step_->graph().tensors().size(); ++id) {
    known.push_back({step_->storage.base(id), step_->cols(id)});
  }
  tilings_ = std::make_unique<compiler::Tilings>(step_->cost, step_->platform.cluster.redmule);
  context_ = std::make_unique<compiler::LoweringContext>(
      compiler::LoweringContext{*step_,
                                sharing,
                                compiler::Tape(step_->cost, sharing.transfer),
                                compiler::L1Manager(kBase, Bytes{l1_bytes_}, std::move(known)),
                                *tilings_,
                                kBase - Bytes{8},
                                0,
                                true,
                                {}});
  for (TensorId id = 0; id < step_->graph().tensors().size(); ++id) {
    compiler::StoredObject object;
    object.name = step_->tensor(id).name;
    object.bytes = Bytes{step_->tensor(id).bytes()};
    object.type = step_->tensor(id).dtype;
    context_->tape.object_of[id] = static_cast<ObjectId>(context_->tape.objects.size());
    context_->tape.objects.push_back(object);
  }
  context_->l1.begin_operator(0);
  return *context_;
}

compiler::L1Matrix FeedBench::put(TensorId tensor, bool transposed, std::uint32_t pitch) {
  compiler::LoweringContext& c = context();
  std::uint32_t rows = c.rows(tensor), cols = c.cols(tensor);
  if (transposed) {
    std::swap(rows, cols);
  }
  const std::uint32_t step = pitch != 0 ? pitch : cols;
  const DType type = c.tensor(tensor).dtype;
  const compiler::L1Matrix made{c.l1.take(bytes_for(rows * step, type)), rows, cols, step, type};
  c.l1.keep(tensor, transposed, made);
  c.l1.end_operator();
  c.l1.begin_operator(1);
  return made;
}

std::string FeedBench::line(const compiler::PlanOp& op) const {
  const auto l1 = [](Address address) { return std::to_string((address - kBase).raw()); };
  if (const auto* t = op.as<Transfer>()) {
    const compiler::StoredObject& object = context_->tape.objects.at(op.accesses.at(1).object);
    const std::string stored = object.name + "+" + std::to_string(t->l2.raw()) + " " +
                               extents(t->rows, t->row_bytes, t->l2_pitch);
    const std::string inside = l1(t->l1) + (t->rows == 1 ? "" : "/" + std::to_string(t->l1_pitch));
    return t->to_l1 ? "load " + stored + " to " + inside : "store " + stored + " from " + inside;
  }
  std::string made = "other";
  if (const auto* call = op.as<KernelCall>()) {
    made = etude_kernel_name(call->kernel);
  }
  for (const bool write : {false, true}) {
    bool first = true;
    for (const Access& a : op.accesses) {
      if (a.write == write) {
        made += first ? (write ? " w" : " r") : "";
        made += " " + l1(Address{a.address}) + ":" + extents(a.rows, a.row_bytes, a.pitch);
        first = false;
      }
    }
  }
  return made;
}

std::vector<std::string> FeedBench::written() {
  std::vector<std::string> lines;
  const std::vector<compiler::PlanOp>& ops = context().tape.ops;
  for (; seen_ < ops.size(); ++seen_) {
    lines.push_back(line(ops[seen_]));
  }
  return lines;
}

}  // namespace etude::test
