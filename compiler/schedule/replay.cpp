// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/replay.h"

#include <algorithm>
#include <set>

#include "compiler/schedule/step_clock.h"

namespace etude::compiler {
namespace {

/// Memory, home and time of one pass through a schedule.
class Player {
 public:
  Player(const ScheduleProblem& problem, const EventSchedule& schedule)
      : problem_(problem),
        schedule_(schedule),
        state_(problem.tensors.size()),
        clock_(problem, schedule.pages) {
    for (StorageId i = 0; i < state_.size(); ++i) {
      state_[i].at_home = !problem.tensors[i].producer;
    }
    result_.slot_peaks.resize(problem.slots.size());
    result_.slot_seconds.resize(problem.slots.size());
  }

  Replay run() {
    if (schedule_.slots.size() != problem_.slots.size()) {
      fault("schedule", "is of another number of slots");
      return result_;
    }
    for (const TensorPage& page : schedule_.pages) {
      const bool window = page.first <= page.last || page.at_point();
      if (!window || std::max(page.first, page.last) >= problem_.slots.size()) {
        fault(name(page.tensor), "is paged outside the step");
        return result_;
      }
    }
    for (now_ = 0; now_ < problem_.slots.size(); ++now_) {
      const double begin = result_.time_s;
      play_slot();
      result_.slot_seconds[now_] = result_.time_s - begin;
    }
    finish();
    std::ranges::sort(result_.recomputed);
    const auto twice = std::ranges::unique(result_.recomputed);
    result_.recomputed.erase(twice.begin(), twice.end());
    std::ranges::sort(result_.paged);
    const auto again = std::ranges::unique(result_.paged);
    result_.paged.erase(again.begin(), again.end());
    return result_;
  }

 private:
  struct State {
    bool resident = false;  ///< its value is in memory
    bool held = false;      ///< a transfer out still reads it
    bool coming = false;    ///< a transfer in has its buffer
    bool at_home = false;   ///< a copy of the present value
    bool written = false;   ///< by its update
  };
  const std::string& name(StorageId i) const { return problem_.tensors[i].name; }
  void fault(const std::string& what, const std::string& how) {
    result_.ok = false;
    const std::string slot = now_ < problem_.slots.size() ? problem_.slots[now_].name : "the end";
    result_.faults.push_back("slot " + std::to_string(now_) + " (" + slot + "): " + what + " " +
                             how);
  }

  /// Sets one member of a tensor's state and keeps the sum of all buffers.
  void set(StorageId i, bool State::* member, bool value) {
    State& state = state_[i];
    memory_ -= buffers(state) * problem_.tensors[i].bytes.raw();
    state.*member = value;
    memory_ += buffers(state) * problem_.tensors[i].bytes.raw();
  }
  static std::uint64_t buffers(const State& state) {
    return (state.resident || state.held ? 1 : 0) + (state.coming ? 1 : 0);
  }

  void measure(Bytes more) {
    const Bytes sum = Bytes{memory_} + more;
    result_.slot_peaks[now_] = std::max(result_.slot_peaks[now_], sum);
    if (sum > result_.peak) {
      result_.peak = sum;
      result_.peak_slot = now_;
    }
  }

  void begin_page(const TensorPage& page) {
    State& state = state_[page.tensor];
    const ProblemTensor& tensor = problem_.tensors[page.tensor];
    const bool out = page.direction == TensorPage::Direction::kOut;
    if (out) {
      if (!state.resident || state.held) {
        fault(name(page.tensor), "goes out but is not in memory");
      }
      set(page.tensor, &State::held, true);
    } else {
      if (!state.at_home || state.coming) {
        fault(name(page.tensor), "comes in but is not at home");
      }
      set(page.tensor, &State::coming, true);
    }
    const PageCost& cost = out ? tensor.page_out : tensor.page_in;
    result_.energy_j += cost.joules;
    result_.paged.push_back(page.tensor);
  }

  void end_page(const TensorPage& page) {
    State& state = state_[page.tensor];
    if (page.direction == TensorPage::Direction::kOut) {
      set(page.tensor, &State::held, false);
      state.at_home = true;
    } else {
      if (state.resident) {
        fault(name(page.tensor), "comes in but is in memory");
      }
      set(page.tensor, &State::coming, false);
      set(page.tensor, &State::resident, true);
    }
  }

  void begin_pages() {
    for (const TensorPage& page : schedule_.pages) {
      if (page.first == now_ && !page.at_point()) {
        begin_page(page);
      }
    }
  }

  void end_pages() {
    for (const TensorPage& page : schedule_.pages) {
      if (page.last == now_ && !page.at_point()) {
        end_page(page);
      }
    }
  }

  /// What goes out at the point behind this slot is held through its operator, whose storages that
  /// are given up are still there.
  void begin_outs_behind() {
    for (const TensorPage& page : schedule_.pages) {
      if (page.at_point() && page.last == now_ && page.direction == TensorPage::Direction::kOut) {
        begin_page(page);
      }
    }
  }

  void pass_point() {
    for (const TensorPage& page : schedule_.pages) {
      if (page.at_point() && page.last == now_ && page.direction == TensorPage::Direction::kOut) {
        end_page(page);
      }
    }
    for (const TensorPage& page : schedule_.pages) {
      if (page.at_point() && page.last == now_ && page.direction == TensorPage::Direction::kIn) {
        begin_page(page);
        end_page(page);
      }
    }
  }

  void run_operator(const ScheduledOperator& step, bool own) {
    const ProblemSlot& slot = problem_.slots[step.slot];
    if (!own && (step.slot >= now_ || !slot.recomputable)) {
      fault(slot.name, "cannot run again");
    }
    if (!own && slot.changed_at && now_ > *slot.changed_at) {
      fault(slot.name, "runs again behind a change of what it reads");
    }
    for (const StorageId i : slot.inputs) {
      if (!state_[i].resident) {
        fault(name(i), "is not there for " + slot.name);
      } else if (state_[i].written) {
        fault(name(i), "is updated already for " + slot.name);
      }
    }
    Bytes twice{0};
    for (const StorageId i : slot.outputs) {
      if (own) {
        set(i, &State::resident, true);
      } else if (state_[i].resident || state_[i].held) {
        twice += problem_.tensors[i].bytes;  // made beside the one that is kept
      } else {
        set(i, &State::resident, true);
        result_.recomputed.push_back(i);
      }
    }
    measure(slot.workspace + twice);
    for (const StorageId i : slot.inputs) {
      if (own && problem_.tensors[i].updated && problem_.last(i) == now_) {
        state_[i].written = true;
        state_[i].at_home = false;
      }
    }
    if (own) {
      begin_outs_behind();
    }
    for (const StorageId i : step.frees) {
      if (!state_[i].resident) {
        fault(name(i), "is given up but is not in memory");
      }
      set(i, &State::resident, false);
    }
    result_.energy_j += slot.joules;
    length_ += slot.seconds;
  }

  void play_slot() {
    const auto& steps = schedule_.slots[now_];
    if (steps.empty() || steps.back().slot != now_) {
      fault("its operator", "does not run");
      return;
    }
    length_ = 0;
    begin_pages();
    measure(Bytes{0});
    for (std::size_t s = 0; s < steps.size(); ++s) {
      run_operator(steps[s], s + 1 == steps.size());
    }
    end_pages();
    pass_point();
    result_.time_s += clock_.slot(now_, length_);
  }

  void finish() {
    for (StorageId i = 0; i < state_.size(); ++i) {
      if (state_[i].resident || state_[i].held || state_[i].coming) {
        fault(name(i), "is left in memory");
      }
      if (problem_.tensors[i].updated && !(state_[i].written && state_[i].at_home)) {
        fault(name(i), "does not come home");
      }
    }
    if (!result_.slot_seconds.empty()) {
      const double rest = clock_.finish();
      result_.slot_seconds.back() += rest;
      result_.time_s += rest;
    }
    result_.energy_j += problem_.static_w * result_.time_s;
  }

  const ScheduleProblem& problem_;
  const EventSchedule& schedule_;
  std::vector<State> state_;
  StepClock clock_;
  SlotId now_ = 0;
  std::uint64_t memory_ = 0;  ///< bytes of all buffers
  double length_ = 0;         ///< of the slot's operators
  Replay result_;
};

}  // namespace

Replay replay(const ScheduleProblem& problem, const EventSchedule& schedule) {
  return Player(problem, schedule).run();
}

}  // namespace etude::compiler
