// SPDX-License-Identifier: Apache-2.0
#include "run/execute/l2_stays.h"

#include <algorithm>
#include <optional>

#include "models/base/pulp_map_regs.h"
#include "run/execute/l2_use.h"

namespace etude::run {
namespace {
using Json = nlohmann::ordered_json;

constexpr std::size_t kColumns = 500;  ///< of bytes over time

/// One tensor's time in L2.
struct Stay {
  std::optional<Cycle> begin;
  Cycle end;
  bool paged_in = false, recomputed = false;
  // Segments.
  std::optional<std::size_t> ready;   ///< in which the first operation of a layer touched it
  std::optional<std::size_t> leaves;  ///< in which its transfer out began
  std::uint32_t first_layer = 0, last_layer = 0;
};

class Stays {
 public:
  Stays(const Program& program, const std::vector<OpSegment>& segments)
      : program_(program), segments_(segments), stays_(program.stored.size()) {}

  void touch(std::size_t at, const Access& access, bool page) {
    const OpSegment& segment = segments_[at];
    Stay& stay = stays_.at(access.object);
    const std::uint32_t layer = program_.tasks.operations[segment.op].layer;
    if (!stay.begin) {
      stay.begin = segment.begin;
      stay.paged_in = page && access.write;
      stay.recomputed = program_.layers.at(layer).phase == "recompute";
    }
    stay.end = std::max(stay.end, segment.end);
    if (page && !access.write && !stay.leaves) {
      stay.leaves = at;
    }
    if (!page) {
      if (!stay.ready) {
        stay.ready = at;
        stay.first_layer = layer;
      }
      stay.last_layer = layer;
    }
  }

  /// In the order of their begin.
  Json list(Cycle begin, Cycle end) {
    std::vector<ObjectId> order;
    for (ObjectId id = 0; id < stays_.size(); ++id) {
      const StoredTensor& tensor = program_.stored[id];
      if (tensor.always && !tensor.external) {
        stays_[id].begin = begin;
        stays_[id].end = end;
      }
      if (stays_[id].begin) {
        order.push_back(id);
      }
    }
    std::ranges::stable_sort(order, {}, [&](ObjectId id) { return *stays_[id].begin; });
    Json list = Json::array();
    for (const ObjectId id : order) {
      list.push_back(entry(program_.stored[id], stays_[id]));
    }
    return list;
  }

  /// Tells `use` when tensors are buffers of transfers.
  void complete(L2Use& use) const {
    for (ObjectId id = 0; id < stays_.size(); ++id) {
      const Stay& stay = stays_[id];
      if (stay.begin && !program_.stored[id].always) {
        const std::size_t never = segments_.size();
        use.complete(id, stay.paged_in ? stay.ready.value_or(never) : 0,
                     stay.leaves.value_or(never));
      }
    }
  }

 private:
  Json entry(const StoredTensor& tensor, const Stay& stay) const {
    constexpr Address kL2{ETUDE_L2_BASE};
    Json json{{"name", tensor.name},         {"kind", tensor.kind},
              {"bytes", tensor.bytes.raw()}, {"offset", (tensor.address - kL2).raw()},
              {"from", stay.begin->raw()},   {"to", stay.end.raw()}};
    json["how"] = tensor.always     ? "home"
                  : stay.paged_in   ? "paged in"
                  : stay.recomputed ? "recomputed"
                                    : "computed";
    if (stay.ready) {
      json["ready"] = segments_[*stay.ready].begin.raw();
      json["first_layer"] = stay.first_layer;
      json["last_layer"] = stay.last_layer;
    }
    if (stay.leaves) {
      json["leaves"] = segments_[*stay.leaves].begin.raw();
    }
    return json;
  }

  const Program& program_;
  const std::vector<OpSegment>& segments_;
  std::vector<Stay> stays_;
};

/// Where the last pass over the task list begins among the segments of a step.
std::size_t last_pass(const std::vector<OpSegment>& segments) {
  std::size_t first = segments.size();
  while (first > 1 && segments[first - 2].op < segments[first - 1].op) {
    --first;
  }
  return first == 0 ? 0 : first - 1;
}

}  // namespace

Json l2_stays(const Program& program, const StepRecord& step) {
  const std::size_t first = last_pass(step.segments);
  Stays stays(program, step.segments);
  L2Use use(program.stored, step.segments, first);
  for (std::size_t i = first; i < step.segments.size(); ++i) {
    const Operation& operation = program.tasks.operations.at(step.segments[i].op);
    for (const Access& access : operation.accesses) {
      if (access.space == Access::Space::kL2) {
        stays.touch(i, access, operation.as<PageTransfer>() != nullptr);
        use.touch(i, access);
      }
    }
  }
  stays.complete(use);
  const Cycle begin = step.segments.empty() ? Cycle{} : step.segments[first].begin;
  return {{"begin", begin.raw()},
          {"budget", program.budget ? Json(program.budget->raw()) : Json()},
          {"stays", stays.list(begin, step.cycles)},
          {"use", use.columns(kColumns)}};
}

}  // namespace etude::run
