// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/tensor_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace etude::compiler {

TensorModel::TensorModel(const ScheduleProblem& problem, const CandidateRules& rules,
                         const ScheduleLimits& limits, const ModelWeights& weights, double scale)
    : problem_(problem),
      rules_(rules),
      limits_(limits),
      weights_(weights),
      scale_(scale),
      tensors_(problem.tensors.size()),
      again_at_(problem.slots.size()) {
  std::uint64_t unit = 0;
  for (const ProblemTensor& tensor : problem_.tensors) {
    unit = std::gcd(unit, tensor.bytes.raw());
  }
  for (const ProblemSlot& slot : problem_.slots) {
    unit = std::gcd(unit, slot.workspace.raw());
  }
  unit_ = static_cast<double>(std::max<std::uint64_t>(unit, 1));
  double seconds = 0;
  for (const ProblemSlot& slot : problem_.slots) {
    seconds += slot.seconds;
  }
  second_ = seconds > 0 ? seconds / static_cast<double>(problem_.slots.size()) : 1;
  // Gaps are of what can be avoided.
  model_.offset = -weights_.energy * scale_ * problem_.unavoidable_joules();
  add_columns();
  add_availability();
  for (StorageId i = 0; i < tensors_.size(); ++i) {
    add_home(i);
  }
  if (rules_.some_page) {
    add_some_page();
  }
  add_memory();
  add_time();
}

double TensorModel::page_cost(const PageCost& cost) const {
  return weights_.energy * scale_ * cost.joules;
}

void TensorModel::add_columns() {
  const auto found = find_candidates(problem_, rules_);
  for (StorageId i = 0; i < tensors_.size(); ++i) {
    for (const SlotId slot : found[i].recompute) {
      const SlotId producer = *problem_.tensors[i].producer;
      if (!again_.contains({producer, slot})) {
        // Static power is paid by the length of the step, in add_time().
        const Column column =
            model_.binary(weights_.energy * scale_ * problem_.slots[producer].joules);
        again_[{producer, slot}] = column;
        again_at_[slot].emplace_back(producer, column);
      }
    }
  }
  std::ranges::for_each(again_at_, [](auto& list) { std::ranges::sort(list); });
  for (StorageId i = 0; i < tensors_.size(); ++i) {
    add_tensor(i, found[i]);
  }
  if (weights_.peak > 0) {
    peak_ = model_.continuous(0, LinearModel::kEndless, weights_.peak * scale_ * unit_);
  }
}

void TensorModel::add_tensor(StorageId i, const TensorCandidates& found) {
  const ProblemTensor& tensor = problem_.tensors[i];
  Columns& columns = tensors_[i];
  for (const PageCandidate& out : found.outs) {
    columns.outs.push_back({out, model_.binary(page_cost(tensor.page_out))});
  }
  for (const PageCandidate& in : found.ins) {
    columns.ins.push_back({in, model_.binary(page_cost(tensor.page_in))});
  }
  columns.always = found.always;
  columns.passing = found.passing;
  const bool alone = tensor.producer && problem_.slots[*tensor.producer].outputs.size() == 1;
  bool first = !tensor.producer;
  for (const SlotId slot : found.events) {
    Event event;
    event.slot = slot;
    event.use = std::ranges::binary_search(tensor.uses, slot);
    const bool chained = !(first || found.always || (found.passing && !event.use));
    event.kept = chained ? model_.binary() : -1;
    first = first && found.passing && !event.use;
    if (std::ranges::binary_search(found.recompute, slot)) {
      const Column again = again_.at({*tensor.producer, slot});
      event.made = alone ? again : model_.binary();
      if (!alone) {
        LinearSum sum;
        sum.add(event.made, 1);
        sum.add(again, -1);
        model_.row(sum, -LinearModel::kEndless, 0);
      }
    }
    for (const Page& page : columns.ins) {
      if (page.window.event == slot) {
        event.comes.push_back(page.column);
      }
    }
    columns.events.push_back(event);
  }
}

LinearSum TensorModel::ways(const Event& event) {
  LinearSum sum;
  for (const Column column : {event.kept, event.made}) {
    if (column >= 0) {
      sum.add(column, 1);
    }
  }
  for (const Column column : event.comes) {
    sum.add(column, 1);
  }
  return sum;
}

LinearSum TensorModel::there(StorageId i, std::size_t number) const {
  const Columns& of = tensors_[i];
  const Event& event = of.events[number];
  if (event.use || of.always) {
    LinearSum sum;
    sum.constant = 1;
    return sum;
  }
  LinearSum sum = ways(event);
  if (const Column kept = of.passing ? kept_to(i, number) : -1; kept >= 0) {
    sum.add(kept, 1);
  }
  return sum;
}

Column TensorModel::kept_to(StorageId i, std::size_t event) const {
  const Columns& of = tensors_[i];
  for (std::size_t e = event; e < of.events.size(); ++e) {
    if (!of.passing || of.events[e].use) {
      return of.events[e].kept;
    }
  }
  return -1;
}

void TensorModel::add_availability() {
  for (StorageId i = 0; i < tensors_.size(); ++i) {
    for (std::size_t e = 0; e < tensors_[i].events.size() && !tensors_[i].always; ++e) {
      const Event& event = tensors_[i].events[e];
      if (tensors_[i].passing && !event.use) {
        continue;  // kept to the next use or not, or it comes in
      }
      model_.row(ways(event), event.use ? 1 : 0, 1);
      if (event.kept >= 0 && e > 0 &&
          !tensors_[i].passing) {  // what was there at the event before can be kept
        LinearSum kept;
        kept.add(event.kept, 1);
        kept.add(there(i, e - 1), -1);
        model_.row(kept, -LinearModel::kEndless, 0);
      }
    }
  }
  for (const auto& [key, column] : again_) {
    for (const StorageId input : problem_.slots[key.first].inputs) {
      const auto& events = tensors_[input].events;
      const auto event = std::ranges::find(events, key.second, &Event::slot);
      LinearSum sum;
      sum.add(column, 1);
      sum.add(there(input, static_cast<std::size_t>(event - events.begin())), -1);
      model_.row(sum, -LinearModel::kEndless, 0);
    }
  }
}

void TensorModel::add_home(StorageId i) {
  const ProblemTensor& tensor = problem_.tensors[i];
  LinearSum once;
  for (const Page& out : tensors_[i].outs) {
    once.add(out.column, 1);
    LinearSum sum;  // only what is there behind the event can go out
    const auto& events = tensors_[i].events;
    const auto event = std::ranges::find(events, out.window.event, &Event::slot);
    if (event != events.end()) {
      sum.add(out.column, 1);
      sum.add(there(i, static_cast<std::size_t>(event - events.begin())), -1);
      model_.row(sum, -LinearModel::kEndless, 0);
    }
  }
  model_.row(once, tensor.updated ? 1 : 0, 1);
  for (SlotId t = 0; rules_.any_window && t < problem_.slots.size(); ++t) {
    LinearSum coming;  // one copy at a time
    for (const Page& in : tensors_[i].ins) {
      if (in.window.first <= t && t <= in.window.last) {
        coming.add(in.column, 1);
      }
    }
    if (coming.terms.size() > 1) {
      model_.row(coming, -LinearModel::kEndless, 1);
    }
  }
  if (tensor.producer) {
    for (const Page& in : tensors_[i].ins) {
      LinearSum sum;
      sum.add(in.column, 1);
      for (const Page& out : tensors_[i].outs) {
        if (out.window.last < in.window.first) {
          sum.add(out.column, -1);
        }
      }
      model_.row(sum, -LinearModel::kEndless, 0);
    }
  }
}

void TensorModel::add_some_page() {
  LinearSum some;
  for (StorageId i = 0; i < tensors_.size(); ++i) {
    if (!problem_.tensors[i].producer || tensors_[i].outs.empty()) {
      continue;
    }
    LinearSum useless;
    for (const Page& out : tensors_[i].outs) {
      some.add(out.column, 1);
      useless.add(out.column, 1);
    }
    for (const Page& in : tensors_[i].ins) {
      useless.add(in.column, -1);
    }
    model_.row(useless, -LinearModel::kEndless, 0);
  }
  model_.row(some, 1, LinearModel::kEndless);
}

Decisions TensorModel::decode(const std::vector<double>& values) const {
  Decisions decisions;
  decisions.recomputes.resize(problem_.slots.size());
  for (const auto& [key, column] : again_) {
    if (values[column] > 0.5) {
      decisions.recomputes[key.second].push_back(key.first);
    }
  }
  for (StorageId i = 0; i < tensors_.size(); ++i) {
    using Direction = TensorPage::Direction;
    for (const Page& out : tensors_[i].outs) {
      if (values[out.column] > 0.5) {
        decisions.pages.push_back({i, Direction::kOut, out.window.first, out.window.last});
      }
    }
    for (const Page& in : tensors_[i].ins) {
      if (values[in.column] > 0.5) {
        decisions.pages.push_back({i, Direction::kIn, in.window.first, in.window.last});
      }
    }
  }
  return needed_of(problem_, std::move(decisions));
}

Column TensorModel::page_column(const TensorPage& page) const {
  const bool out = page.direction == TensorPage::Direction::kOut;
  Column best = -1;
  SlotId longest = 0;
  for (const Page& p : out ? tensors_[page.tensor].outs : tensors_[page.tensor].ins) {
    const bool same = out ? p.window.first == page.first : p.window.last == page.last;
    const bool inside = p.window.first >= page.first && p.window.last <= page.last;
    const SlotId length = p.window.last + 1 - p.window.first;
    if (same && inside && (best < 0 || length > longest)) {
      best = p.column;
      longest = length;
    }
  }
  return best;
}

std::optional<std::vector<std::pair<Column, double>>> TensorModel::encode(
    const EventSchedule& schedule) const {
  std::map<Column, double> chosen;
  for (StorageId i = 0; i < tensors_.size(); ++i) {
    for (const Event& event : tensors_[i].events) {
      for (const Column column : {event.kept, event.made}) {
        if (column >= 0) {
          chosen[column] = 0;
        }
      }
    }
    for (const auto* list : {&tensors_[i].outs, &tensors_[i].ins}) {
      for (const Page& page : *list) {
        chosen[page.column] = 0;
      }
    }
  }
  for (const auto& [key, column] : again_) {
    chosen[column] = 0;
  }
  for (const TensorPage& page : schedule.pages) {
    const Column column = page_column(page);
    if (column < 0) {
      return std::nullopt;
    }
    chosen[column] = 1;
  }
  std::vector<bool> resident(tensors_.size());
  for (SlotId t = 0; t < schedule.slots.size(); ++t) {
    for (StorageId i = 0; i < tensors_.size(); ++i) {
      const auto event = std::ranges::find(tensors_[i].events, t, &Event::slot);
      if (event != tensors_[i].events.end() && event->kept >= 0 && resident[i]) {
        chosen[event->kept] = 1;
      }
    }
    for (const TensorPage& page : schedule.pages) {
      if (page.direction == TensorPage::Direction::kIn && page.last + 1 == t) {
        resident[page.tensor] = true;
      }
    }
    for (const ScheduledOperator& step : schedule.slots[t]) {
      if (step.slot != t) {
        const auto column = again_.find({step.slot, t});
        if (column == again_.end()) {
          return std::nullopt;
        }
        chosen[column->second] = 1;
      }
      for (const StorageId i : problem_.slots[step.slot].outputs) {
        const auto event = std::ranges::find(tensors_[i].events, t, &Event::slot);
        if (step.slot != t && event != tensors_[i].events.end() && event->made >= 0 &&
            !resident[i]) {
          chosen[event->made] = 1;
        }
        resident[i] = true;
      }
      for (const StorageId i : step.frees) {
        resident[i] = false;
      }
    }
  }
  return std::vector<std::pair<Column, double>>(chosen.begin(), chosen.end());
}

}  // namespace etude::compiler
