// SPDX-License-Identifier: Apache-2.0
// The rows of the tensor model that a budget and a deadline give: memory of each slot, and time.
#include <algorithm>
#include <cmath>

#include "compiler/schedule/tensor_model.h"

namespace etude::compiler {

LinearSum TensorModel::in_memory(StorageId i, SlotId slot, Phase phase) const {
  const ProblemTensor& tensor = problem_.tensors[i];
  const auto& events = tensors_[i].events;
  LinearSum sum;
  const bool made = tensor.producer == slot;
  if (made || (tensor.producer && slot < *tensor.producer)) {
    sum.constant = made && phase == Phase::kOperator ? 1 : 0;
    return sum;
  }
  if (tensors_[i].always) {
    sum.constant = !events.empty() && slot <= events.back().slot ? 1 : 0;
    return sum;
  }
  const auto next = std::ranges::lower_bound(events, slot, {}, &Event::slot);
  auto number = static_cast<std::size_t>(next - events.begin());
  if (next != events.end() && next->slot == slot) {
    if (phase == Phase::kRecompute || next->use) {
      return there(i, number);
    }
    ++number;
  }
  if (const Column kept = kept_to(i, number); kept >= 0) {
    sum.add(kept, 1);
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
  const auto share = [&](const Page& page, double page_seconds, SlotId self, double beside) {
    const double seconds = page_seconds / second_;
    const bool point = page.window.first > page.window.last;
    LinearSum whole;
    whole.add(page.column, -seconds);
    std::size_t parts = 0;
    const auto add_part = [&](SlotId t, double most) {
      const Column part = model_.continuous(0, most);
      transfers[t].add(part, 1);
      whole.add(part, 1);
      ++parts;
    };
    if (beside > 0) {  // the operator that reads or makes it runs beside the rest
      add_part(self, seconds * beside);
    }
    if (point) {  // operators wait
      Column wait = page.column;
      double length = seconds;
      if (parts > 0) {
        wait = model_.continuous(0, seconds);
        whole.add(wait, 1);
        length = 1;
      }
      total.add(wait, length);
      model_.add_cost(wait, price * length);
    } else if (page.window.first == page.window.last && parts == 0) {
      transfers[page.window.first].add(page.column, seconds);
    } else {
      for (SlotId t = page.window.first; t <= page.window.last; ++t) {
        add_part(t, seconds);
      }
    }
    if (parts > 0) {
      model_.row(whole, 0, 0);
    }
  };
  for (StorageId i = 0; i < tensors_.size(); ++i) {
    const ProblemTensor& tensor = problem_.tensors[i];
    for (const Page& out : tensors_[i].outs) {
      share(out, tensor.page_out.seconds, out.window.event, 1 - tensor.trail);
    }
    for (const Page& in : tensors_[i].ins) {
      share(in, tensor.page_in.seconds, in.window.event, 1 - tensor.lead(in.window.event));
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

}  // namespace etude::compiler
