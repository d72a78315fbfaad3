// SPDX-License-Identifier: Apache-2.0
#include "tests/support/brute_schedule.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <unordered_map>

namespace etude::compiler {
namespace {

constexpr std::uint8_t kNone = 255;
constexpr double kAny = 1e299;
constexpr std::size_t kMostTensors = 10;

/// Where a tensor is at the begin of a slot: bytes alone, so that states compare as memory.
struct Where {
  std::uint8_t resident = 0, home = 0, updated = 0;
  std::uint8_t fresh = 0;                        ///< came in for this slot
  std::uint8_t out_end = kNone, in_end = kNone;  ///< last slots of transfers under way
  std::uint8_t out_left = 0, in_left = 0;        ///< seconds of them
};
using State = std::array<Where, kMostTensors>;
struct Hash {
  std::size_t operator()(const State& state) const {
    return std::hash<std::string_view>{}(
        {reinterpret_cast<const char*>(state.data()), sizeof(State)});
  }
};
struct Same {
  bool operator()(const State& a, const State& b) const {
    return std::memcmp(a.data(), b.data(), sizeof(State)) == 0;
  }
};
using Front = std::vector<BrutePoint>;

void add(Front& front, BrutePoint point) {
  constexpr double kEqual = 1e-9;
  for (const BrutePoint& p : front) {
    if (p.joules <= point.joules + kEqual && p.seconds <= point.seconds + kEqual) {
      return;
    }
  }
  std::erase_if(front, [&](const BrutePoint& p) {
    return p.joules >= point.joules && p.seconds >= point.seconds;
  });
  front.push_back(point);
}

/// The way through one slot: state, bytes in memory, cost of the slot so far.
struct Way {
  State state;
  std::uint64_t bytes = 0;
  double joules = 0, seconds = 0;
  double waits_s = 0;  ///< for transfers between two slots, which nothing runs beside
  // Sets of tensors: whose page-out begins with the next slot; read or made; made or updated.
  std::uint16_t waits = 0, touched = 0, made = 0;
};

std::uint16_t bit(StorageId i) { return static_cast<std::uint16_t>(1u << i); }

// Ways are left out that another one is never worse than, with the same memory in every slot:
// - what comes in is read in the slot that it comes for, else it could have taken longer to come,
// or
//   come later;
// - what goes out begins to behind its making, else it could have had more time;
// - where cost is no matter, transfers between two slots do: they take memory in neither;
// - what is given up was read or made in that slot, else it could have been given up before.
class Brute {
 public:
  Brute(const ScheduleProblem& problem, Bytes budget, BrutePoint most, double most_product)
      : problem_(problem), budget_(budget.raw()), most_(most), most_product_(most_product) {
    // The last slot in front of which each tensor can serve anything.
    for (StorageId i = 0; i < problem.tensors.size(); ++i) {
      last_.push_back(static_cast<std::uint8_t>(problem.last(i)));
      size_.push_back(problem.tensors[i].bytes.raw());
    }
    for (SlotId p = static_cast<SlotId>(problem.slots.size()); p-- > 0;) {
      for (const StorageId in : problem.slots[p].inputs) {
        for (const StorageId out : problem.slots[p].outputs) {
          if (problem.slots[p].recomputable) {
            last_[in] = std::max(last_[in], last_[out]);
          }
        }
      }
    }
  }

  Front run() {
    State start{};
    for (StorageId i = 0; i < problem_.tensors.size(); ++i) {
      start[i].home = !problem_.tensors[i].producer;
    }
    now_[start] = {{0, 0}};
    for (slot_ = 0; slot_ < end(); ++slot_) {
      next_.clear();
      rest_ = rest_of(slot_);
      behind_ = rest_of(slot_ + 1u);
      for (const auto& [state, front] : now_) {
        front_ = &front;
        Way way;
        way.state = state;
        way.bytes = memory(state);
        choose_ins(way, 0);
      }
      std::swap(now_, next_);
    }
    Front result;
    for (const auto& [state, front] : now_) {
      const bool whole = std::ranges::all_of(state, [](const Where& w) {
        return w.out_end == kNone && w.in_end == kNone && (!w.updated || w.home);
      });
      for (const BrutePoint& point : front) {
        if (whole) {
          add(result, point);
        }
      }
    }
    std::ranges::sort(result, {}, &BrutePoint::joules);
    return result;
  }

 private:
  std::uint8_t end() const { return static_cast<std::uint8_t>(problem_.slots.size()); }
  const ProblemTensor& tensor(StorageId i) const { return problem_.tensors[i]; }
  /// Whether only the existence of a schedule is asked: then the shortest windows do.
  bool any() const { return any_energy() && most_.seconds >= kAny; }
  bool any_energy() const { return most_.joules >= kAny && most_product_ >= kAny; }

  BrutePoint rest_of(SlotId slot) const {
    BrutePoint rest;
    for (SlotId t = slot; t < problem_.slots.size(); ++t) {
      rest.joules += problem_.slots[t].joules;
      rest.seconds += problem_.slots[t].seconds;
    }
    return rest;
  }

  /// Whether all ways so far are too dear with what this slot adds and the rest takes at least.
  bool hopeless(double joules, double seconds, const BrutePoint& rest) const {
    return std::ranges::all_of(*front_, [&](const BrutePoint& point) {
      const double time = point.seconds + seconds + rest.seconds;
      const double energy = point.joules + joules + rest.joules + problem_.static_w * time;
      return energy > most_.joules || time > most_.seconds || energy * time > most_product_;
    });
  }

  std::uint64_t memory(const State& state) const {
    std::uint64_t sum = 0;
    for (StorageId i = 0; i < problem_.tensors.size(); ++i) {
      const Where& w = state[i];
      sum += size_[i] * ((w.resident || w.out_end != kNone) + (w.in_end != kNone));
    }
    return sum;
  }

  void choose_ins(const Way& way, StorageId i) {
    if (way.bytes > budget_ || hopeless(way.joules, 0, rest_)) {
      return;  // from here to the operator memory only grows
    }
    if (i == problem_.tensors.size()) {
      choose_again(way, 0);
      return;
    }
    choose_ins(way, i + 1);
    const Where& w = way.state[i];
    if (w.resident || !w.home || w.in_end != kNone || w.updated) {
      return;
    }
    if (slot_ > 0 && slot_ <= last_[i]) {  // between the slot before and this one
      Way other = way;
      other.state[i].resident = other.state[i].fresh = 1;
      other.bytes += size_[i];
      other.joules += tensor(i).page_in.joules;
      other.waits_s += tensor(i).page_in.seconds;
      choose_ins(other, i + 1);
    }
    for (std::uint8_t e = slot_; e + 1 < end() && e + 1 <= last_[i] && !any(); ++e) {
      Way other = way;
      other.state[i].in_end = e;
      other.state[i].in_left = static_cast<std::uint8_t>(tensor(i).page_in.seconds);
      other.bytes += size_[i];
      other.joules += tensor(i).page_in.joules;
      choose_ins(other, i + 1);
    }
  }

  bool readable(const Way& way, const ProblemSlot& slot) const {
    return std::ranges::all_of(slot.inputs, [&](StorageId in) {
      return way.state[in].resident && !way.state[in].updated;
    });
  }

  void choose_again(const Way& way, SlotId p) {
    if (way.bytes > budget_ || hopeless(way.joules, way.seconds, rest_)) {
      return;
    }
    if (p >= slot_) {
      if (readable(way, problem_.slots[slot_])) {
        choose_drops(way, 0);
      }
      return;
    }
    choose_again(way, p + 1);
    const ProblemSlot& slot = problem_.slots[p];
    if (!slot.recomputable || slot.outputs.size() != 1 || !readable(way, slot)) {
      return;
    }
    const StorageId made = slot.outputs.front();
    const Where& w = way.state[made];
    if (w.resident || w.in_end != kNone || slot_ > last_[made]) {
      return;
    }
    Way other = way;
    other.bytes += w.out_end == kNone ? size_[made] : 0;
    other.state[made].resident = 1;
    other.joules += slot.joules;
    other.seconds += slot.seconds;
    other.made |= bit(made);
    other.touched |= bit(made);
    for (const StorageId in : slot.inputs) {
      other.touched |= bit(in);
    }
    choose_again(other, p + 1);
  }

  void drop(Way& way, StorageId i) const {
    way.state[i].resident = 0;
    way.bytes -= way.state[i].out_end == kNone ? size_[i] : 0;
  }

  void choose_drops(const Way& way, StorageId i) {
    if (i == problem_.tensors.size()) {
      run_operator(way);
      return;
    }
    const auto& inputs = problem_.slots[slot_].inputs;
    const bool read = std::ranges::find(inputs, i) != inputs.end();
    if (!way.state[i].resident || read) {
      choose_drops(way, i + 1);
      return;
    }
    if (way.touched & bit(i)) {
      Way other = way;
      drop(other, i);
      choose_drops(other, i + 1);
    }
    if (slot_ < last_[i]) {
      choose_drops(way, i + 1);
    }
  }

  void run_operator(Way way) {
    const ProblemSlot& slot = problem_.slots[slot_];
    for (const StorageId i : slot.outputs) {
      way.state[i].resident = 1;
      way.bytes += size_[i];
      way.touched |= bit(i);
      way.made |= bit(i);
    }
    if (way.bytes + slot.workspace.raw() > budget_) {
      return;
    }
    for (const StorageId i : slot.inputs) {
      way.touched |= bit(i);
      if (tensor(i).updated && problem_.last(i) == slot_) {
        way.state[i].updated = 1;
        way.state[i].home = 0;
        way.made |= bit(i);
      }
    }
    for (StorageId i = 0; i < problem_.tensors.size(); ++i) {
      if (way.state[i].fresh && !(way.touched & bit(i))) {
        return;
      }
      way.state[i].fresh = 0;
    }
    way.joules += slot.joules;
    way.seconds += slot.seconds;
    choose_outs(way, 0);
  }

  void choose_outs(const Way& way, StorageId i) {
    if (hopeless(way.joules, way.seconds, behind_)) {
      return;
    }
    if (i == problem_.tensors.size()) {
      finish(way);
      return;
    }
    const Where& w = way.state[i];
    if (!w.resident) {
      choose_outs(way, i + 1);
      return;
    }
    const bool used_here = problem_.touches(slot_, i);
    for (const bool dropped : {false, true}) {
      if (dropped ? !(way.touched & bit(i)) : slot_ >= last_[i]) {
        continue;
      }
      Way other = way;
      if (dropped) {
        drop(other, i);
      }
      // What the operator does not use is given up in front of it, unless it goes out now; what is
      // updated and not written back would be lost.
      if (!(dropped && (!used_here || (w.updated && !w.home)))) {
        choose_outs(other, i + 1);
      }
      if (w.home || w.out_end != kNone || !(way.made & bit(i))) {
        continue;
      }
      if (slot_ + 1 < end()) {  // between this slot and the next
        Way out = other;
        out.state[i].home = 1;
        out.joules += tensor(i).page_out.joules;
        out.waits_s += tensor(i).page_out.seconds;
        choose_outs(out, i + 1);
      }
      for (std::uint8_t e = slot_ + 1; e < end() && !any(); ++e) {
        Way out = other;
        out.bytes += dropped ? size_[i] : 0;
        out.state[i].out_end = e;
        out.state[i].out_left = static_cast<std::uint8_t>(tensor(i).page_out.seconds);
        out.waits |= bit(i);
        out.joules += tensor(i).page_out.joules;
        choose_outs(out, i + 1);
      }
    }
  }

  /// Serves transfers in the order of their ends; returns by how much they make the slot longer.
  double serve(State& state, double time, std::uint16_t waits) const {
    for (std::uint8_t e = slot_; e < end(); ++e) {
      for (StorageId i = 0; i < problem_.tensors.size(); ++i) {
        const auto one = [&](std::uint8_t ends, std::uint8_t& left) {
          if (ends == e) {
            const double served = e == slot_ ? left : std::clamp<double>(time, 0, left);
            left = static_cast<std::uint8_t>(left - served);
            time -= served;
          }
        };
        if (!(waits & bit(i))) {
          one(state[i].out_end, state[i].out_left);
        }
        one(state[i].in_end, state[i].in_left);
      }
    }
    return std::max(0.0, -time);
  }

  void finish(Way way) {
    State& state = way.state;
    const double length = way.seconds + serve(state, way.seconds, way.waits) + way.waits_s;
    if (hopeless(way.joules, length, behind_)) {
      return;
    }
    for (Where& w : state) {
      if (w.out_end == slot_) {
        w.out_end = kNone;
        w.home = 1;
      }
      if (w.in_end == slot_) {
        w.in_end = kNone;
        w.resident = w.fresh = 1;
      }
      if (any()) {
        w.in_left = w.out_left = 0;  // whether anything fits depends on no cost
      }
    }
    Front& front = next_[state];
    for (const BrutePoint& point : *front_) {
      if (!any() || front.empty()) {
        // Where no energy is too much, the shortest way alone counts.
        const double joules = any_energy() ? 0 : point.joules + way.joules;
        add(front, {joules, point.seconds + length});
      }
    }
  }

  const ScheduleProblem& problem_;
  const std::uint64_t budget_;
  const BrutePoint most_;
  const double most_product_;
  std::vector<std::uint8_t> last_;
  std::vector<std::uint64_t> size_;
  std::uint8_t slot_ = 0;
  BrutePoint rest_, behind_;  ///< what the slots from this one, or behind it, take at least
  const Front* front_ = nullptr;
  std::unordered_map<State, Front, Hash, Same> now_, next_;
};

}  // namespace

std::vector<BrutePoint> brute_force(const ScheduleProblem& problem, Bytes budget,
                                    double most_joules, double most_seconds, double most_product) {
  return Brute(problem, budget, {most_joules, most_seconds}, most_product).run();
}

}  // namespace etude::compiler
