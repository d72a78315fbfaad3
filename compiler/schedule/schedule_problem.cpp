// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/schedule_problem.h"

#include <algorithm>

#include "models/base/error.h"

namespace etude::compiler {
namespace {

/// Seconds and joules of one thing: with more, sums and products of a step have no number.
constexpr double kMostCost = 1e15;

bool is_cost(double value) { return value >= 0 && value <= kMostCost; }

void check_slot(const ProblemSlot& slot, const std::string& where) {
  if (!is_cost(slot.seconds) || !is_cost(slot.joules)) {
    throw UserError(where, "'" + slot.name + "' takes a negative or endless time or energy",
                    "give numbers from 0 to 1e15");
  }
}

void check_tensor(const ProblemTensor& tensor, std::size_t slots, const std::string& where) {
  const auto wrong = [&](const std::string& what, const std::string& allowed) {
    throw UserError(where, "tensor '" + tensor.name + "' " + what, allowed);
  };
  if (tensor.bytes.raw() == 0) {
    wrong("has no bytes", "give 1 or more");
  }
  for (const PageCost& page : {tensor.page_in, tensor.page_out}) {
    if (!is_cost(page.seconds) || !is_cost(page.joules)) {
      wrong("takes a negative or endless time or energy to page", "give numbers from 0 to 1e15");
    }
  }
  if (!std::ranges::is_sorted(tensor.uses) ||
      std::ranges::adjacent_find(tensor.uses) != tensor.uses.end()) {
    wrong("is not read in ascending slots", "name each slot once, in order");
  }
  if (!tensor.uses.empty() && tensor.uses.back() >= slots) {
    wrong("is read in slot " + std::to_string(tensor.uses.back()),
          "the last one is " + std::to_string(slots - 1));
  }
  if (tensor.producer && !tensor.uses.empty() && tensor.uses.front() <= *tensor.producer) {
    wrong("is read in slot " + std::to_string(tensor.uses.front()) + " but made in slot " +
              std::to_string(*tensor.producer),
          "a slot reads what slots before it made");
  }
  if (!tensor.producer && tensor.uses.empty()) {
    wrong("is never used", "leave it out");
  }
  if (tensor.updated && tensor.producer) {
    wrong("is made in the step and updated", "what is updated comes from home");
  }
}

}  // namespace

double ProblemTensor::lead(SlotId slot) const {
  const auto use = std::ranges::lower_bound(uses, slot);
  const auto number = static_cast<std::size_t>(use - uses.begin());
  return use != uses.end() && *use == slot && number < leads.size() ? leads[number] : 1;
}

void ScheduleProblem::complete(const std::string& where) {
  if (slots.empty()) {
    throw UserError(where, "has no slots", "give one or more");
  }
  for (const ProblemSlot& slot : slots) {
    check_slot(slot, where);
  }
  for (const ProblemTensor& tensor : tensors) {
    check_tensor(tensor, slots.size(), where);
  }
  if (from_home()) {
    ProblemSlot begin, end;
    begin.name = "begin of the step";
    end.name = "end of the step";
    begin.recomputable = end.recomputable = false;
    slots.insert(slots.begin(), begin);
    slots.push_back(end);
    for (ProblemTensor& tensor : tensors) {
      std::ranges::for_each(tensor.uses, [](SlotId& use) { ++use; });
      if (tensor.producer) {
        ++*tensor.producer;
      }
    }
    for (ProblemSlot& slot : slots) {
      if (slot.changed_at) {
        ++*slot.changed_at;
      }
    }
  }
  for (ProblemSlot& slot : slots) {
    slot.inputs.clear();
    slot.outputs.clear();
  }
  for (StorageId i = 0; i < tensors.size(); ++i) {
    for (const SlotId use : tensors[i].uses) {
      slots[use].inputs.push_back(i);
    }
    if (tensors[i].producer) {
      slots[*tensors[i].producer].outputs.push_back(i);
    }
  }
}

Bytes ScheduleProblem::bytes(const std::vector<StorageId>& list) const {
  Bytes sum{0};
  for (const StorageId i : list) {
    sum += tensors[i].bytes;
  }
  return sum;
}

Bytes ScheduleProblem::alone(SlotId slot) const {
  return bytes(slots[slot].inputs) + bytes(slots[slot].outputs) + slots[slot].workspace;
}

SlotId ScheduleProblem::largest_slot() const {
  SlotId largest = 0;
  for (SlotId t = 1; t < slots.size(); ++t) {
    largest = alone(t) > alone(largest) ? t : largest;
  }
  return largest;
}

SlotId ScheduleProblem::last(StorageId tensor) const {
  const ProblemTensor& t = tensors[tensor];
  return t.uses.empty() ? *t.producer : t.uses.back();
}

Bytes ScheduleProblem::peak_keep() const {
  Bytes peak{0};
  for (SlotId t = 0; t < slots.size(); ++t) {
    Bytes now = slots[t].workspace;
    for (StorageId i = 0; i < tensors.size(); ++i) {
      const bool stands =
          tensors[i].producer ? *tensors[i].producer <= t && t <= last(i) : touches(t, i);
      if (stands) {
        now += tensors[i].bytes;
      }
    }
    peak = std::max(peak, now);
  }
  return peak;
}

bool ScheduleProblem::from_home() const {
  return std::ranges::any_of(tensors, [](const ProblemTensor& t) { return !t.producer; });
}

double ScheduleProblem::unavoidable_joules() const {
  double joules = 0;
  for (const ProblemTensor& tensor : tensors) {
    if (!tensor.producer) {
      joules += tensor.page_in.joules + (tensor.updated ? tensor.page_out.joules : 0);
    }
  }
  return joules;
}

bool ScheduleProblem::touches(SlotId slot, StorageId tensor) const {
  const ProblemTensor& t = tensors[tensor];
  return t.producer == slot || std::ranges::binary_search(t.uses, slot);
}

std::optional<SlotId> ScheduleProblem::recompute_limit(SlotId slot) const {
  std::optional<SlotId> limit = slots[slot].changed_at;
  for (const StorageId i : slots[slot].inputs) {
    if (tensors[i].updated) {
      limit = std::min(limit.value_or(tensors[i].uses.back()), tensors[i].uses.back());
    }
  }
  return limit;
}

}  // namespace etude::compiler
