// SPDX-License-Identifier: Apache-2.0
#include "run/plan/lone_bench.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "compiler/order/encode.h"
#include "kernels/include/etude_boot.h"
#include "workloads/networks/initial.h"

namespace etude::run {
namespace {

/// Where values to begin with stand: floats between -1 and 1, and zeros.
constexpr Address kFloats{0x24000000u}, kZeros{0x25000000u};
constexpr std::uint32_t kPiece = 16 * 1024;  ///< of operands, that a transfer brings

MemoryImage floats(Bytes bytes) {
  MemoryImage image{kFloats, std::vector<std::uint8_t>(bytes.raw())};
  std::uint32_t state = 1;
  for (std::size_t i = 0; i + 4 <= image.bytes.size(); i += 4) {
    state = state * 1664525u + 1013904223u;
    const float value = static_cast<float>(static_cast<std::int32_t>(state)) / 2147483648.0f;
    std::memcpy(image.bytes.data() + i, &value, sizeof value);
  }
  return image;
}

double cycles_between(Cycle from, Cycle to) {
  return to > from ? static_cast<double>((to - from).raw()) : 0.0;
}

}  // namespace

LoneBench::LoneBench(const PlatformConfig& platform, LoneClass of,
                     std::vector<LoneOperation> operations)
    : platform_(lone_platform(platform, of)),
      harts_(platform.cluster.cores + (platform.cluster.controller ? 1 : 0)) {
  std::uint32_t layer = 0;
  for (const LoneOperation& lone : operations) {
    const TaskUnit unit = lone.operation.unit();
    bring(lone, layer);
    post(lone.operation, layer);
    wait(unit, layer);
    Place place;
    place.alone = static_cast<std::uint32_t>(list_.size());
    post(lone.operation, layer);
    wait(unit, layer);
    place.layer = ++layer;
    place.first = static_cast<std::uint32_t>(list_.size());
    post(lone.operation, layer);
    place.second = static_cast<std::uint32_t>(list_.size());
    post(lone.operation, layer);
    wait(unit, layer);
    places_.push_back(place);
    ++layer;
  }
  list_.emplace_back().layer = layer;  // the end
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

void LoneBench::bring(const LoneOperation& lone, std::uint32_t layer) {
  const auto all = static_cast<std::uint32_t>(lone.l1.raw());
  for (std::uint32_t at = 0; at < all; at += kPiece) {
    Transfer piece;
    piece.l1 = kLoneL1 + Bytes{at};
    piece.l2 = (lone.integers ? kZeros : kFloats) + Bytes{at};
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
  message.images.push_back(floats(platform_.cluster.tcdm.size));
  return message;
}

std::vector<LoneCosts> LoneBench::costs(const MeasuredPass& pass) const {
  std::vector<LoneCosts> all;
  for (const Place& place : places_) {
    if (place.second + 1 >= pass.spans.size() || place.layer >= pass.layers.size()) {
      throw std::logic_error("a pass of single operations has not all of them");
    }
    const auto& spans = pass.spans;
    const auto begin = [&](std::uint32_t i) { return spans[i].begin; };
    LoneCosts costs;
    if (list_[place.alone].as<PageTransfer>() != nullptr) {  // nobody saw its end but who waited
      costs.alone = cycles_between(begin(place.alone + 1), begin(place.alone + 2));
      costs.behind = cycles_between(begin(place.second), begin(place.second + 2)) / 2;
    } else {
      costs.alone = cycles_between(begin(place.alone + 1), spans[place.alone].end);
      costs.behind = cycles_between(spans[place.first].end, spans[place.second].end);
    }
    const Activity& two = pass.layers[place.layer];
    costs.counters = two.counters;
    std::uint64_t waited = 0;
    for (const auto& [reason, cycles] : two.core_stalls) {
      waited += cycles;
      if (cycles != 0 && reason != "sleep" && reason != "event_wait") {
        costs.stalls[reason] = cycles;
      }
    }
    const std::uint64_t harts = harts_ * (begin(place.second + 2) - begin(place.first)).raw();
    costs.stalls["busy"] = harts > waited ? harts - waited : 0;
    all.push_back(std::move(costs));
  }
  return all;
}

}  // namespace etude::run
