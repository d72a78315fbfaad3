// SPDX-License-Identifier: Apache-2.0
#include "run/plan/schedule_instance.h"

#include <algorithm>
#include <cmath>

#include "models/base/error.h"
#include "run/plan/json_fields.h"

namespace etude::run {
namespace {
using compiler::PageCost;
using compiler::ProblemSlot;
using compiler::ProblemTensor;
using compiler::ScheduleProblem;
using compiler::SlotId;
using Json = nlohmann::ordered_json;

constexpr double kRounding = 1e-9;  ///< of sums that another program made

/// Latency and rate of both directions, from the head of the file.
struct PageRates {
  double in_latency, in_rate, out_latency, out_rate;

  explicit PageRates(const JsonFields& head) {
    const auto of = [&](const char* own, const char* both, double least) {
      return head.number(head.has(own) ? own : both, least);
    };
    constexpr double kLeastRate = 1e-3;
    in_latency = of("page_in_latency_s", "page_latency_s", 0);
    out_latency = of("page_out_latency_s", "page_latency_s", 0);
    in_rate = of("page_in_bytes_per_s", "page_bytes_per_s", kLeastRate);
    out_rate = of("page_out_bytes_per_s", "page_bytes_per_s", kLeastRate);
  }

  void fill(ProblemTensor& tensor, const JsonFields& fields) const {
    const auto bytes = static_cast<double>(tensor.bytes.raw());
    tensor.page_in = {in_latency + bytes / in_rate, fields.number("page_in_j", 0)};
    tensor.page_out = {out_latency + bytes / out_rate, fields.number("page_out_j", 0)};
  }
};

/// Slots and parameters of a file, then the problem without views.
class Reader {
 public:
  Reader(const Json& instance, const std::string& where)
      : head_(instance, where,
              {"source", "page_bytes_per_s", "page_latency_s", "page_in_bytes_per_s",
               "page_out_bytes_per_s", "page_in_latency_s", "page_out_latency_s", "static_w",
               "peak_keep_bytes", "energy_keep_j", "slots", "parameters"}),
        rates_(head_) {}

  ScheduleProblem read() {
    const Json& list = head_.at("slots");
    if (!list.is_array() || list.empty() || list.size() > 100'000) {
      throw UserError(head_.where(), "\"slots\" is no list of 1 to 100000 slots", "give them");
    }
    count_ = list.size();
    for (const Json& slot : list) {
      read_slot(slot);
    }
    check_inputs();
    build();
    if (head_.has("parameters")) {
      if (!head_.at("parameters").is_array()) {
        throw UserError(head_.where(), "\"parameters\" is no list", "give one, or leave it out");
      }
      for (const Json& parameter : head_.at("parameters")) {
        read_parameter(parameter);
      }
    }
    problem_.static_w = head_.number_or("static_w", 0);
    problem_.complete(head_.where());
    check_figures();
    return std::move(problem_);
  }

 private:
  struct FileSlot {
    ProblemSlot slot;
    ProblemTensor result;
    std::vector<SlotId> used_by;
    std::optional<std::vector<SlotId>> inputs;
    std::optional<SlotId> view_of;
  };

  void read_slot(const Json& json) {
    const auto number = static_cast<SlotId>(slots_.size());
    const JsonFields fields(json, head_.where() + ", slot " + std::to_string(number),
                            {"name", "time_s", "energy_j", "bytes", "inputs", "forward", "used_by",
                             "page_in_j", "page_out_j", "workspace_bytes", "view_of", "flop"});
    FileSlot slot;
    slot.slot.name = slot.result.name = fields.text("name");
    slot.slot.seconds = fields.number("time_s", 0);
    slot.slot.joules = fields.number("energy_j", 0);
    slot.used_by = fields.slots("used_by", count_);
    if (fields.has("forward")) {
      fields.flag("forward");
    }
    if (fields.has("flop")) {  // for who reads the file
      fields.number("flop", 0);
    }
    if (fields.has("workspace_bytes")) {
      slot.slot.workspace = Bytes{fields.count("workspace_bytes", 0)};
    }
    if (!fields.at("inputs").is_null()) {
      slot.inputs = fields.slots("inputs", number);
    }
    slot.slot.recomputable = slot.inputs.has_value();
    if (fields.has("view_of")) {
      const auto base = fields.count("view_of", 0);
      if (base >= number || slot.inputs != std::vector<SlotId>{static_cast<SlotId>(base)}) {
        throw UserError(fields.where(), "is a view of slot " + std::to_string(base),
                        "a view is of a slot before it, its only input");
      }
      slot.view_of = static_cast<SlotId>(base);
    } else {
      slot.result.bytes = Bytes{fields.count("bytes", 1)};
      rates_.fill(slot.result, fields);
    }
    slots_.push_back(std::move(slot));
  }

  void check_inputs() const {
    for (SlotId i = 0; i < slots_.size(); ++i) {
      for (const SlotId user : slots_[i].used_by) {
        const auto& inputs = slots_[user].inputs;
        if (user <= i || (inputs && !std::ranges::binary_search(*inputs, i))) {
          throw UserError(head_.where() + ", slot " + std::to_string(i),
                          "is used by slot " + std::to_string(user) + ", which does not read it",
                          "used_by and inputs name the same pairs, later slots read earlier ones");
        }
      }
      for (const SlotId input : slots_[i].inputs.value_or(std::vector<SlotId>{})) {
        if (!std::ranges::binary_search(slots_[input].used_by, i)) {
          throw UserError(head_.where() + ", slot " + std::to_string(i),
                          "reads slot " + std::to_string(input) + ", whose used_by lacks it",
                          "used_by and inputs name the same pairs");
        }
      }
    }
  }

  SlotId base_of(SlotId slot) const {
    while (slots_[slot].view_of) {
      slot = *slots_[slot].view_of;
    }
    return slot;
  }

  void build() {
    place_.resize(slots_.size());
    for (SlotId i = 0; i < slots_.size(); ++i) {
      if (slots_[i].view_of) {
        continue;
      }
      place_[i] = static_cast<SlotId>(problem_.slots.size());
      problem_.slots.push_back(slots_[i].slot);
      problem_.tensors.push_back(slots_[i].result);
      problem_.tensors.back().producer = *place_[i];
    }
    for (SlotId i = 0; i < slots_.size(); ++i) {
      ProblemTensor& tensor = problem_.tensors[*place_[base_of(i)]];
      for (const SlotId user : slots_[i].used_by) {
        if (place_[user]) {
          tensor.uses.push_back(*place_[user]);
        }
      }
    }
    for (ProblemTensor& tensor : problem_.tensors) {
      std::ranges::sort(tensor.uses);
      const auto twice = std::ranges::unique(tensor.uses);
      tensor.uses.erase(twice.begin(), twice.end());
    }
  }

  void read_parameter(const Json& json) {
    const JsonFields fields(json,
                            head_.where() + ", parameter " +
                                std::to_string(problem_.tensors.size() - problem_.slots.size()),
                            {"name", "bytes", "used_by", "updated_by", "page_in_j", "page_out_j"});
    ProblemTensor tensor;
    tensor.name = fields.text("name");
    tensor.bytes = Bytes{fields.count("bytes", 1)};
    rates_.fill(tensor, fields);
    const auto place = [&](SlotId user) {
      if (!place_[user]) {
        throw UserError(fields.where(), "is used by slot " + std::to_string(user) + ", a view",
                        "name slots that compute");
      }
      return *place_[user];
    };
    for (const SlotId user : fields.slots("used_by", count_)) {
      tensor.uses.push_back(place(user));
    }
    if (fields.has("updated_by")) {
      const auto by = fields.count("updated_by", 0);
      if (by >= count_ || tensor.uses.empty() ||
          place(static_cast<SlotId>(by)) != tensor.uses.back()) {
        throw UserError(fields.where(), "is updated by slot " + std::to_string(by),
                        "the last slot of used_by updates it");
      }
      tensor.updated = true;
    }
    problem_.tensors.push_back(tensor);
  }

  void check_figures() const {
    double joules = 0;
    for (const ProblemSlot& slot : problem_.slots) {
      joules += slot.joules;
    }
    const auto differs = [&](const char* key, const std::string& found) {
      throw UserError(
          head_.where(),
          "\"" + std::string(key) + "\" is " + head_.at(key).dump() + ", the slots give " + found,
          "a whole file of one graph has the same");
    };
    if (head_.has("peak_keep_bytes") &&
        head_.count("peak_keep_bytes", 0) != problem_.peak_keep().raw()) {
      differs("peak_keep_bytes", std::to_string(problem_.peak_keep().raw()));
    }
    if (head_.has("energy_keep_j") &&
        std::abs(head_.number("energy_keep_j", 0) - joules) > kRounding * joules) {
      differs("energy_keep_j", Json(joules).dump());
    }
  }

  const JsonFields head_;
  const PageRates rates_;
  std::size_t count_ = 0;
  std::vector<FileSlot> slots_;
  std::vector<std::optional<SlotId>> place_;  ///< in the problem; a view has none
  ScheduleProblem problem_;
};

}  // namespace

ScheduleProblem read_schedule_instance(const Json& instance, const std::string& where) {
  return Reader(instance, where).read();
}

}  // namespace etude::run
