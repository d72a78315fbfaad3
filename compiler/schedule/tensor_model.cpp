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
  const bool alone = tensor.producer && problem_.slots[*tensor.producer].outputs.size() == 1;
  bool first = !tensor.producer;
  for (const SlotId slot : found.events) {
    Event event;
    event.slot = slot;
    event.use = std::ranges::binary_search(tensor.uses, slot);
    event.kept = first ? -1 : model_.binary();
    first = false;
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

LinearSum TensorModel::there(StorageId i, std::size_t number) const {
  const Event& event = tensors_[i].events[number];
  LinearSum sum;
  if (event.use) {
    sum.constant = 1;
    return sum;
  }
  if (event.kept >= 0) {
    sum.add(event.kept, 1);
  }
  if (event.made >= 0) {
    sum.add(event.made, 1);
  }
  for (const Column column : event.comes) {
    sum.add(column, 1);
  }
  return sum;
}

void TensorModel::add_availability() {
  for (StorageId i = 0; i < tensors_.size(); ++i) {
    for (std::size_t e = 0; e < tensors_[i].events.size(); ++e) {
      Event& event = tensors_[i].events[e];
      const bool use = event.use;
      event.use = false;
      model_.row(there(i, e), use ? 1 : 0, 1);
      event.use = use;
      if (event.kept >= 0 && e > 0) {  // what was there at the event before can be kept
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

LinearSum TensorModel::in_memory(StorageId i, SlotId slot, Phase phase) const {
  const ProblemTensor& tensor = problem_.tensors[i];
  const auto& events = tensors_[i].events;
  LinearSum sum;
  const bool made = tensor.producer == slot;
  if (made || (tensor.producer && slot < *tensor.producer)) {
    sum.constant = made && phase == Phase::kOperator ? 1 : 0;
    return sum;
  }
  const auto next = std::ranges::lower_bound(events, slot, {}, &Event::slot);
  if (next != events.end() && next->slot == slot) {
    const auto number = static_cast<std::size_t>(next - events.begin());
    if (phase == Phase::kRecompute || next->use) {
      return there(i, number);
    }
    if (number + 1 < events.size()) {
      sum.add(events[number + 1].kept, 1);
    }
  } else if (next != events.end() && next->kept >= 0) {
    sum.add(next->kept, 1);
  }
  return sum;
}

LinearSum TensorModel::buffers(StorageId i, SlotId slot, Phase phase) {
  LinearSum resident = in_memory(i, slot, phase);
  LinearSum going;
  for (const Page& out : tensors_[i].outs) {
    // What goes out behind an event without a use outlives the operator of that slot, too.
    const bool waits = phase == Phase::kOperator && out.window.event == slot;
    if (waits || (out.window.first <= slot && slot <= out.window.last)) {
      going.add(out.column, 1);
    }
  }
  if (!going.terms.empty() && !(resident.terms.empty() && resident.constant == 1)) {
    if (resident.terms.empty()) {
      resident = going;
    } else {
      const Column held = model_.continuous(0, 1);
      for (const LinearSum& what : {resident, going}) {
        LinearSum sum = what;
        sum.add(held, -1);
        model_.row(sum, -LinearModel::kEndless, 0);
      }
      resident = {};
      resident.add(held, 1);
    }
  }
  for (const Page& in : tensors_[i].ins) {
    if (in.window.first <= slot && slot <= in.window.last) {
      resident.add(in.column, 1);
    }
  }
  return resident;
}

void TensorModel::add_memory_row(SlotId slot, Phase phase, Bytes workspace, const LinearSum& more) {
  LinearSum sum = more;
  sum.constant += static_cast<double>(workspace.raw()) / unit_;
  for (StorageId i = 0; i < tensors_.size(); ++i) {
    sum.add(buffers(i, slot, phase), static_cast<double>(problem_.tensors[i].bytes.raw()) / unit_);
  }
  if (limits_.budget) {
    model_.row(sum, -LinearModel::kEndless,
               std::floor(static_cast<double>(limits_.budget->raw()) / unit_));
  }
  if (peak_ >= 0) {
    sum.add(peak_, -1);
    model_.row(sum, -LinearModel::kEndless, 0);
  }
}

void TensorModel::add_memory() {
  if (!limits_.budget && peak_ < 0) {
    return;
  }
  for (SlotId t = 0; t < problem_.slots.size(); ++t) {
    add_memory_row(t, Phase::kOperator, problem_.slots[t].workspace, {});
    if (again_at_[t].empty()) {
      continue;
    }
    LinearSum more;  // outputs of the operators that run again which nobody wants again
    for (const auto& [producer, column] : again_at_[t]) {
      for (const StorageId i : problem_.slots[producer].outputs) {
        const auto& events = tensors_[i].events;
        const auto event = std::ranges::find(events, t, &Event::slot);
        const double size = static_cast<double>(problem_.tensors[i].bytes.raw()) / unit_;
        if (event == events.end() || event->made < 0) {
          more.add(column, size);
        } else if (event->made != column) {
          more.add(column, size);
          more.add(event->made, -size);
        }
      }
    }
    bool any = false;
    for (const auto& [producer, column] : again_at_[t]) {
      const Bytes workspace = problem_.slots[producer].workspace;
      if (workspace.raw() != 0) {
        LinearSum one = more;
        one.add(column, static_cast<double>(workspace.raw()) / unit_);
        add_memory_row(t, Phase::kRecompute, Bytes{0}, one);
        any = true;
      }
    }
    if (!any) {
      add_memory_row(t, Phase::kRecompute, Bytes{0}, more);
    }
  }
}

void TensorModel::add_time() {
  const double price = (weights_.time + weights_.energy * problem_.static_w) * scale_ * second_;
  if (price == 0 && !limits_.deadline_s) {
    return;
  }
  double own = 0;
  LinearSum total;
  std::vector<LinearSum> transfers(problem_.slots.size());
  for (const ProblemSlot& slot : problem_.slots) {
    own += slot.seconds / second_;
  }
  for (const auto& [key, column] : again_) {
    const double length = problem_.slots[key.first].seconds / second_;
    total.add(column, length);
    model_.add_cost(column, price * length);
  }
  const auto share = [&](const Page& page, double page_seconds) {
    const double seconds = page_seconds / second_;
    LinearSum whole;
    whole.add(page.column, -seconds);
    if (page.window.first == page.window.last) {
      transfers[page.window.first].add(page.column, seconds);
      return;
    }
    for (SlotId t = page.window.first; t <= page.window.last; ++t) {
      const Column part = model_.continuous(0, seconds);
      transfers[t].add(part, 1);
      whole.add(part, 1);
    }
    model_.row(whole, 0, 0);
  };
  for (StorageId i = 0; i < tensors_.size(); ++i) {
    for (const Page& out : tensors_[i].outs) {
      share(out, problem_.tensors[i].page_out.seconds);
    }
    for (const Page& in : tensors_[i].ins) {
      share(in, problem_.tensors[i].page_in.seconds);
    }
  }
  for (SlotId t = 0; t < problem_.slots.size(); ++t) {
    const double length = problem_.slots[t].seconds / second_;
    if (transfers[t].terms.empty() || model_.most(transfers[t]) <= length) {
      continue;
    }
    const Column longer = model_.continuous(0, LinearModel::kEndless, price);
    total.add(longer, 1);
    LinearSum sum = transfers[t];
    sum.add(longer, -1);
    for (const auto& [producer, column] : again_at_[t]) {
      sum.add(column, -problem_.slots[producer].seconds / second_);
    }
    model_.row(sum, -LinearModel::kEndless, length);
  }
  if (limits_.deadline_s) {
    model_.row(total, -LinearModel::kEndless, *limits_.deadline_s / second_ - own);
  }
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
  return decisions;
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
    const bool out = page.direction == TensorPage::Direction::kOut;
    const auto& list = out ? tensors_[page.tensor].outs : tensors_[page.tensor].ins;
    const auto same = std::ranges::find_if(list, [&](const Page& p) {
      return p.window.first == page.first && p.window.last == page.last;
    });
    if (same == list.end()) {
      return std::nullopt;
    }
    chosen[same->column] = 1;
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
