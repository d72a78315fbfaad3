// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/candidates.h"

#include <algorithm>
#include <map>

namespace etude::compiler {
namespace {

constexpr std::size_t kSmallProblem = 14;  ///< slots: a model of everything takes no second

/// Finds recomputations to a depth, then the transfers.
class Finder {
 public:
  Finder(const ScheduleProblem& problem, const CandidateRules& rules)
      : problem_(problem), rules_(rules), found_(problem.tensors.size()) {}

  std::vector<TensorCandidates> run() {
    for (StorageId i = 0; i < found_.size(); ++i) {
      found_[i].events = problem_.tensors[i].uses;
    }
    if (rules_.recompute) {
      rules_.any_slot ? recompute_anywhere() : recompute_at_needs();
    }
    for (TensorCandidates& tensor : found_) {
      for (std::vector<SlotId>* list : {&tensor.events, &tensor.recompute}) {
        std::ranges::sort(*list);
        const auto twice = std::ranges::unique(*list);
        list->erase(twice.begin(), twice.end());
      }
    }
    for (StorageId i = 0; i < found_.size(); ++i) {
      if (rules_.lean && tensor(i).bytes <= rules_.least_page) {
        found_[i].always = tensor(i).producer.has_value();
        found_[i].passing = !found_[i].always;
      }
      if (found_[i].always) {
        found_[i].recompute.clear();
      } else {
        page(i);
      }
    }
    return std::move(found_);
  }

 private:
  const ProblemTensor& tensor(StorageId i) const { return problem_.tensors[i]; }

  /// Whether the producer of a tensor may run again in front of a slot.
  bool can_run(StorageId i, SlotId before) const {
    if (!tensor(i).producer || before <= *tensor(i).producer) {
      return false;
    }
    const ProblemSlot& slot = problem_.slots[*tensor(i).producer];
    const auto limit = problem_.recompute_limit(*tensor(i).producer);
    return slot.recomputable && (!limit || before <= *limit);
  }

  /// Whether it costs so much by itself that no better schedule does it.
  bool too_dear(StorageId i) const {
    const ProblemSlot& slot = problem_.slots[*tensor(i).producer];
    return (rules_.most_joules >= 0 && slot.joules > rules_.most_joules) ||
           (rules_.most_seconds >= 0 && slot.seconds > rules_.most_seconds);
  }

  void recompute_at_needs() {
    for (StorageId i = 0; i < found_.size(); ++i) {
      SlotId before = tensor(i).producer.value_or(0);
      for (const SlotId use : tensor(i).uses) {
        if (use - before >= rules_.least_gap) {
          recompute(i, use, 1);
        }
        before = use;
      }
    }
  }

  void recompute(StorageId i, SlotId slot, unsigned depth) {
    if (!can_run(i, slot)) {
      return;
    }
    auto [known, first] = depth_.try_emplace({i, slot}, depth);
    if (!first && known->second <= depth) {
      return;
    }
    known->second = depth;
    // What is too dear leaves its event: the others stay what they are.
    if (!too_dear(i)) {
      found_[i].recompute.push_back(slot);
    }
    found_[i].events.push_back(slot);
    for (const StorageId input : problem_.slots[*tensor(i).producer].inputs) {
      found_[input].events.push_back(slot);
      if (depth < rules_.depth) {
        recompute(input, slot, depth + 1);
      }
    }
  }

  void recompute_anywhere() {
    // The last slot in front of which a tensor can be of use: for itself or what is made of it.
    std::vector<SlotId> last(found_.size());
    for (StorageId i = static_cast<StorageId>(found_.size()); i-- > 0;) {
      last[i] = problem_.last(i);
    }
    for (SlotId p = static_cast<SlotId>(problem_.slots.size()); p-- > 0;) {
      for (const StorageId input : problem_.slots[p].inputs) {
        for (const StorageId output : problem_.slots[p].outputs) {
          last[input] = std::max(last[input], problem_.slots[p].recomputable ? last[output] : 0);
        }
      }
    }
    for (StorageId i = 0; i < found_.size(); ++i) {
      for (SlotId t = tensor(i).producer ? *tensor(i).producer + 1 : 0; t <= last[i]; ++t) {
        found_[i].events.push_back(t);
        if (can_run(i, t) && !too_dear(i)) {
          found_[i].recompute.push_back(t);
        }
      }
    }
  }

  void page(StorageId i) {
    const ProblemTensor& t = tensor(i);
    if (t.producer &&
        (!rules_.page || t.bytes < rules_.least_page ||
         (rules_.most_joules >= 0 && t.page_in.joules + t.page_out.joules > rules_.most_joules))) {
      return;
    }
    const SlotId end = static_cast<SlotId>(problem_.slots.size()) - 1;
    if (t.producer || t.updated) {
      std::vector<SlotId> behind = rules_.any_slot ? found_[i].events : t.uses;
      if (t.producer && rules_.lean) {
        behind.clear();  // earlier is better: it may be kept beside the copy at home
      }
      if (t.producer) {
        behind.insert(behind.begin(), *t.producer);
      }
      for (const SlotId event : behind) {
        if (event < end && (t.producer || event == t.uses.back())) {
          add_outs(i, event, end);
        }
      }
    }
    SlotId before = t.producer.value_or(0);
    bool first = !t.producer;
    for (const SlotId event : found_[i].events) {
      const bool use = std::ranges::binary_search(t.uses, event);
      const bool again = !t.producer || (rules_.page && (use || !rules_.lean));
      const bool useful = first || (again && event - before >= rules_.least_gap);
      if (useful && event > 0 && !(t.updated && event > t.uses.back())) {
        add_ins(i, event);
      }
      first = false;
      before = use ? event : before;
    }
    if (found_[i].ins.empty()) {
      found_[i].outs.clear();
    }
  }

  void add_outs(StorageId i, SlotId event, SlotId end) {
    if (rules_.points) {
      found_[i].outs.push_back({event, event + 1, event});
      if (rules_.lean && tensor(i).bytes <= rules_.least_page) {
        return;
      }
    }
    const SlotId shortest =
        window_ahead(problem_, event + 1, end, rules_.cover * tensor(i).page_out.seconds);
    const SlotId from = rules_.any_window ? event + 1 : shortest;
    for (SlotId last = from; last <= (rules_.any_window ? end : shortest); ++last) {
      found_[i].outs.push_back({event, event + 1, last});
    }
    if (rules_.one_slot && !rules_.any_window && shortest > event + 1) {
      found_[i].outs.push_back({event, event + 1, event + 1});
    }
  }

  void add_ins(StorageId i, SlotId event) {
    if (rules_.points) {
      found_[i].ins.push_back({event, event, event - 1});
      const bool use = std::ranges::binary_search(tensor(i).uses, event);
      if (rules_.lean && (!use || tensor(i).bytes <= rules_.least_page)) {
        return;
      }
    }
    const SlotId least = tensor(i).producer ? *tensor(i).producer + 2 : 0;
    if (least + 1 > event) {
      return;
    }
    const SlotId shortest =
        window_back(problem_, event - 1, least, rules_.cover * tensor(i).page_in.seconds);
    const SlotId from = rules_.any_window ? least : shortest;
    for (SlotId first = from; first <= (rules_.any_window ? event - 1 : shortest); ++first) {
      found_[i].ins.push_back({event, first, event - 1});
    }
    if (rules_.one_slot && !rules_.any_window && shortest < event - 1) {
      found_[i].ins.push_back({event, event - 1, event - 1});
    }
  }

  const ScheduleProblem& problem_;
  const CandidateRules& rules_;
  std::vector<TensorCandidates> found_;
  std::map<std::pair<StorageId, SlotId>, unsigned> depth_;
};

}  // namespace

CandidateRules CandidateRules::all() {
  CandidateRules rules;
  rules.depth = ~0u;
  rules.least_gap = 1;
  rules.least_page = Bytes{0};
  rules.any_slot = rules.any_window = rules.points = true;
  return rules;
}

CandidateRules CandidateRules::wide(const ScheduleProblem& problem) {
  CandidateRules rules = all();
  rules.any_slot = rules.any_window = problem.slots.size() <= kSmallProblem;
  rules.one_slot = true;  // and points: what the largest operator takes alone is enough
  return rules;
}

CandidateRules CandidateRules::usual(const ScheduleProblem& problem) {
  if (problem.slots.size() <= kSmallProblem) {
    return all();
  }
  // Where what comes from home, or one page-out, takes longer than all operators, windows that
  // cover it hold memory for most of the step.
  double home = 0, longest = 0, operators = 0;
  for (const ProblemTensor& tensor : problem.tensors) {
    home += tensor.producer ? 0 : tensor.page_in.seconds + tensor.page_out.seconds * tensor.updated;
    longest = std::max(longest, tensor.producer ? tensor.page_out.seconds : 0);
  }
  for (const ProblemSlot& slot : problem.slots) {
    operators += slot.seconds;
  }
  CandidateRules rules;
  rules.one_slot = std::max(home, longest) > operators;
  rules.points = rules.lean = problem.from_home();
  return rules;
}

SlotId window_back(const ScheduleProblem& problem, SlotId last, SlotId least, double seconds) {
  SlotId first = last;
  double covered = problem.slots[first].seconds;
  while (covered < seconds && first > least) {
    covered += problem.slots[--first].seconds;
  }
  return first;
}

SlotId window_ahead(const ScheduleProblem& problem, SlotId first, SlotId most, double seconds) {
  SlotId last = first;
  double covered = problem.slots[last].seconds;
  while (covered < seconds && last < most) {
    covered += problem.slots[++last].seconds;
  }
  return last;
}

std::vector<TensorCandidates> find_candidates(const ScheduleProblem& problem,
                                              const CandidateRules& rules) {
  return Finder(problem, rules).run();
}

}  // namespace etude::compiler
