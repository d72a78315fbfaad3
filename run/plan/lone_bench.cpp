// SPDX-License-Identifier: Apache-2.0
#include "run/plan/lone_bench.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "compiler/order/encode.h"
#include "kernels/include/etude_boot.h"
#include "kernels/include/etude_kernels.h"
#include "kernels/include/etude_task.h"
#include "workloads/networks/initial.h"

namespace etude::run {
namespace {

/// Where values to begin with stand: floats between 0 and 1 (no second moment is negative), and
/// zeros.
constexpr Address kFloats{0x24000000u}, kZeros{0x25000000u};
constexpr std::uint32_t kPiece = 16 * 1024;  ///< of operands, that a transfer brings

MemoryImage floats(Bytes bytes) {
  MemoryImage image{kFloats, std::vector<std::uint8_t>(bytes.raw())};
  std::uint32_t state = 1;
  for (std::size_t i = 0; i + 4 <= image.bytes.size(); i += 4) {
    state = state * 1664525u + 1013904223u;
    const float value = static_cast<float>(state >> 8) / 16777216.0f;
    std::memcpy(image.bytes.data() + i, &value, sizeof value);
  }
  return image;
}

/// A kernel on eight rows of eight, in `args` as its struct has them.
template <class Args>
Operation small_call(std::uint32_t kernel, const Args& args) {
  KernelCall call;
  call.kernel = kernel;
  static_assert(sizeof args <= sizeof call.args);
  std::memcpy(call.args.data(), &args, sizeof args);
  Operation operation;
  operation.what = call;
  return operation;
}

double cycles_between(Cycle from, Cycle to) {
  return to > from ? static_cast<double>((to - from).raw()) : 0.0;
}

using Counts = std::map<std::string, std::uint64_t>;

/// Of all harts together: cycles at work, and waits in which they are awake.
Counts at_work(const Activity& activity, std::uint64_t cycles_of_harts) {
  Counts counts;
  std::uint64_t waited = 0;
  for (const auto& [reason, cycles] : activity.core_stalls) {
    waited += cycles;
    if (cycles != 0 && reason != "sleep" && reason != "event_wait") {
      counts[reason] = cycles;
    }
  }
  counts["busy"] = cycles_of_harts > waited ? cycles_of_harts - waited : 0;
  return counts;
}

/// What twice `one` is more than `two`.
Counts beyond(const Counts& one, const Counts& two) {
  Counts more;
  for (const auto& [name, count] : one) {
    const auto found = two.find(name);
    const std::uint64_t of_two = found == two.end() ? 0 : found->second;
    if (2 * count > of_two) {
      more[name] = 2 * count - of_two;
    }
  }
  return more;
}

}  // namespace

LoneBench::LoneBench(const PlatformConfig& platform, LoneClass of, const LoneOperation& lone)
    : platform_(lone_platform(platform, of)),
      harts_(platform.cluster.cores + (platform.cluster.controller ? 1 : 0)) {
  const TaskUnit unit = lone.operation.unit();
  const auto place = [this] { return static_cast<std::uint32_t>(list_.size()); };
  std::uint32_t layer = 0;
  if (unit == TaskUnit::kCores) {
    run_others(layer);
  }
  bring(lone.l1, lone.integers, layer);
  begin_chunk(layer);
  ++layer;
  place_.cold = place();
  post(lone.operation, layer);
  wait(unit, layer);
  ++layer;
  place_.alone = place();
  post(lone.operation, layer);
  wait(unit, layer);
  place_.layer = ++layer;
  place_.first = place();
  post(lone.operation, layer);
  place_.second = place();
  post(lone.operation, layer);
  wait(unit, layer);
  list_.emplace_back().layer = layer + 1;  // the end
}

/// Waits for nothing, until what follows is in one transfer of the list: none comes in between.
void LoneBench::begin_chunk(std::uint32_t layer) {
  while (list_.size() % ETUDE_RING_CHUNK_OPS != 0) {
    Operation& nothing = list_.emplace_back();
    nothing.what = Wait{TaskUnit::kDma, 0};
    nothing.layer = layer;
  }
}

void LoneBench::post(Operation operation, std::uint32_t layer) {
  ++posted_[static_cast<std::size_t>(operation.unit())];
  operation.layer = layer;
  list_.push_back(std::move(operation));
}

void LoneBench::wait(TaskUnit unit, std::uint32_t layer) {
  Operation& wait = list_.emplace_back();
  wait.what = Wait{unit, posted_[static_cast<std::size_t>(unit)]};
  wait.layer = layer;
}

/// Kernels with more code between them than the I-cache holds.
void LoneBench::run_others(std::uint32_t layer) {
  constexpr std::uint32_t n = 8, x = kLoneL1.raw(), y = x + 0x100, z = x + 0x200,
                          scale = 0x3F800000;
  bring(Bytes{0x400}, false, layer);
  post(small_call(ETUDE_KERNEL_GELU_GRAD,
                  etude_gelu_grad_args{x, y, z, 0, n, n, n, n, n, ETUDE_GELU_ERF}),
       layer);
  post(small_call(ETUDE_KERNEL_SOFTMAX, etude_softmax_args{x, y, n, n, n, n, scale}), layer);
  post(small_call(ETUDE_KERNEL_LAYERNORM_GRAD,
                  etude_layernorm_grad_args{x, y, y, 0, z, n, n, n, n, n, scale}),
       layer);
  post(small_call(ETUDE_KERNEL_LAYERNORM, etude_layernorm_args{x, z, y, y, 0, n, n, n, n, scale}),
       layer);
  wait(TaskUnit::kCores, layer);
}

void LoneBench::bring(Bytes bytes, bool integers, std::uint32_t layer) {
  floats_ = integers ? floats_ : std::max(floats_, bytes);
  const auto all = static_cast<std::uint32_t>(bytes.raw());
  for (std::uint32_t at = 0; at < all; at += kPiece) {
    Transfer piece;
    piece.l1 = kLoneL1 + Bytes{at};
    piece.l2 = (integers ? kZeros : kFloats) + Bytes{at};
    piece.row_bytes = piece.l1_pitch = piece.l2_pitch = std::min(kPiece, all - at);
    Operation transfer;
    transfer.what = piece;
    post(std::move(transfer), layer);
  }
  if (all != 0) {
    wait(TaskUnit::kDma, layer);
  }
}

PassMessage LoneBench::message() const {
  PassMessage message;
  message.platform = platform_;
  message.task_list = Address{ETUDE_DATA_ADDRESS};
  message.by_layer = true;
  for (const Operation& operation : list_) {
    if (const auto* transfer = operation.as<Transfer>()) {
      message.transfers.push_back({static_cast<std::uint32_t>(message.op_layer.size()),
                                   transfer->l1.raw(), transfer->bytes()});
    }
    message.op_layer.push_back(operation.layer);
    message.op_unit.push_back(operation.posted() ? static_cast<std::uint8_t>(operation.unit())
                                                 : std::uint8_t{255});
  }
  message.images.push_back({message.task_list, compiler::list_bytes(list_)});
  message.images.push_back(floats(floats_));
  return message;
}

LoneCosts LoneBench::costs(const MeasuredPass& pass) const {
  if (place_.second + 1 >= pass.spans.size() || place_.layer >= pass.layers.size()) {
    throw std::logic_error("a pass of a single operation has not all of it");
  }
  const auto& spans = pass.spans;
  const auto begin = [&](std::uint32_t i) { return spans[i].begin; };
  LoneCosts costs;
  if (list_[place_.alone].as<PageTransfer>() != nullptr) {  // nobody saw its end but who waited
    costs.alone = cycles_between(begin(place_.alone + 1), begin(place_.alone + 2));
    costs.behind = cycles_between(begin(place_.second), begin(place_.second + 2)) / 2;
    costs.cold = costs.alone;
  } else {
    costs.alone = cycles_between(begin(place_.alone + 1), spans[place_.alone].end);
    costs.cold = cycles_between(begin(place_.cold + 1), spans[place_.cold].end);
    costs.behind = cycles_between(spans[place_.first].end, spans[place_.second].end);
  }
  const auto harts = [&](std::uint32_t from, std::uint32_t to) {
    return harts_ * (begin(to) - begin(from)).raw();
  };
  const Activity& two = pass.layers[place_.layer];
  costs.counters = two.counters;
  costs.stalls = at_work(two, harts(place_.first, place_.second + 2));
  if (list_[place_.alone].as<KernelCall>() != nullptr) {
    const Activity& one = pass.layers[place_.layer - 2];
    costs.cold_counters = beyond(one.counters, costs.counters);
    costs.cold_stalls = beyond(at_work(one, harts(place_.cold, place_.cold + 2)), costs.stalls);
  }
  return costs;
}

}  // namespace etude::run
