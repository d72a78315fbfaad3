// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compiler/schedule/event_schedule.h"

namespace etude::compiler {

/// What a model may consider: fewer events make it small.
struct CandidateRules {
  bool recompute = true;
  bool page = true;         ///< of what the step makes; what is at home can always come again
  unsigned depth = 4;       ///< operators that run again for each other in one slot
  unsigned least_gap = 3;   ///< slots between two needs of a tensor that is moved out of the way
  double cover = 1.3;       ///< times of a transfer that the slots of its window take
  Bytes least_page{2048};   ///< smaller tensors are not paged (those from home always are)
  bool any_slot = false;    ///< recompute in front of every slot, not only where it is needed
  bool any_window = false;  ///< windows of every length
  bool one_slot = false;    ///< windows of one slot beside those that cover a transfer
  bool points = false;      ///< transfers between two slots, for which operators wait
  /// Fewer events, for steps with parameters. What is made goes out behind its making alone, and
  /// comes in for its uses alone. Results not above least_page are kept. What is not above it or
  /// comes in for a recomputation does so between slots; smaller tensors from home leave again
  /// then.
  bool lean = false;
  /// At least one tensor that the step makes goes out: for a search beside one that has proven what
  /// can be done without pages.
  bool some_page = false;
  double most_joules = -1;   ///< events that cost more by themselves are left out; < 0: none is
  double most_seconds = -1;  ///< the same for time (recomputation alone)

  /// Nothing is left out.
  static CandidateRules all();
  /// For uses next to each other, of any depth and size: what is left where the usual rules find
  /// nothing. All of a small problem.
  static CandidateRules wide(const ScheduleProblem& problem);
  /// The usual rules; all of a small problem.
  static CandidateRules usual(const ScheduleProblem& problem);
};

/// A page transfer that may be chosen: the event that it is for, and its window (TensorPage). Out:
/// `event` is the need behind which it starts. In: the need for which it ends.
struct PageCandidate {
  SlotId event, first, last;
};

/// Where one tensor may be needed, and how it may be there.
struct TensorCandidates {
  std::vector<SlotId> events;     ///< behind its producer, ascending: uses and recomputations
  std::vector<SlotId> recompute;  ///< those in front of which its producer may run again
  std::vector<PageCandidate> outs, ins;
  bool always = false;   ///< kept from its making to its last event
  bool passing = false;  ///< not kept for events that are no uses
};

/// The events of every tensor.
std::vector<TensorCandidates> find_candidates(const ScheduleProblem& problem,
                                              const CandidateRules& rules);

/// First slot of the shortest window that ends with slot `last` and whose operators take `seconds`
/// (at least one slot; at most from slot `least` on).
SlotId window_back(const ScheduleProblem& problem, SlotId last, SlotId least, double seconds);
/// Last slot of the shortest window from `first` on, at most up to `most`.
SlotId window_ahead(const ScheduleProblem& problem, SlotId first, SlotId most, double seconds);

}  // namespace etude::compiler
