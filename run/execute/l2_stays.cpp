// SPDX-License-Identifier: Apache-2.0
#include "run/execute/l2_stays.h"

#include <algorithm>
#include <optional>

#include "models/base/pulp_map_regs.h"

namespace etude::run {
namespace {
using Json = nlohmann::ordered_json;

/// One tensor's time in L2.
struct Stay {
  std::optional<Cycle> begin;
  Cycle end;
  bool paged_in = false, recomputed = false;
  std::optional<Cycle> ready;   ///< when the first operation of a layer touched it
  std::optional<Cycle> leaves;  ///< when its transfer out began
  std::uint32_t first_layer = 0, last_layer = 0;
};

class Stays {
 public:
  explicit Stays(const Program& program) : program_(program), stays_(program.stored.size()) {}

  void touch(const OpSegment& segment, const Access& access, bool page) {
    Stay& stay = stays_.at(access.object);
    const std::uint32_t layer = program_.tasks.operations[segment.op].layer;
    if (!stay.begin) {
      stay.begin = segment.begin;
      stay.paged_in = page && access.write;
      stay.recomputed = program_.layers.at(layer).phase == "recompute";
    }
    stay.end = std::max(stay.end, segment.end);
    if (page && !access.write && !stay.leaves) {
      stay.leaves = segment.begin;
    }
    if (!page) {
      if (!stay.ready) {
        stay.ready = segment.begin;
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

 private:
  static Json entry(const StoredTensor& tensor, const Stay& stay) {
    constexpr Address kL2{ETUDE_L2_BASE};
    Json json{{"name", tensor.name},         {"kind", tensor.kind},
              {"bytes", tensor.bytes.raw()}, {"offset", (tensor.address - kL2).raw()},
              {"from", stay.begin->raw()},   {"to", stay.end.raw()}};
    json["how"] = tensor.always     ? "home"
                  : stay.paged_in   ? "paged in"
                  : stay.recomputed ? "recomputed"
                                    : "computed";
    if (stay.ready) {
      json["ready"] = stay.ready->raw();
      json["first_layer"] = stay.first_layer;
      json["last_layer"] = stay.last_layer;
    }
    if (stay.leaves) {
      json["leaves"] = stay.leaves->raw();
    }
    return json;
  }

  const Program& program_;
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
  Stays stays(program);
  for (std::size_t i = first; i < step.segments.size(); ++i) {
    const Operation& operation = program.tasks.operations.at(step.segments[i].op);
    for (const Access& access : operation.accesses) {
      if (access.space == Access::Space::kL2) {
        stays.touch(step.segments[i], access, operation.as<PageTransfer>() != nullptr);
      }
    }
  }
  const Cycle begin = step.segments.empty() ? Cycle{} : step.segments[first].begin;
  return {{"begin", begin.raw()},
          {"budget", program.budget ? Json(program.budget->raw()) : Json()},
          {"stays", stays.list(begin, step.cycles)}};
}

}  // namespace etude::run
