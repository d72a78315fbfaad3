// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "compiler/schedule/candidates.h"
#include "compiler/schedule/lifetimes.h"
#include "compiler/schedule/linear_model.h"

namespace etude::compiler {

/// What a model minimises: a weighted sum of dynamic and static energy above that of keep (J), time
/// above the sum of all operators (s), and peak (bytes).
struct ModelWeights {
  double energy = 0, time = 0, peak = 0;
};

/// The schedule as a mixed-integer program whose columns belong to events of tensors: kept from one
/// event to the next, made again in front of one, paged out behind one, paged in for one. Memory is
/// counted twice a slot, with the operators that run again and with the slot's own; buffers of
/// transfers for their whole windows. Times: a slot is as long as its operators, or longer by what
/// its transfers need more.
class TensorModel {
 public:
  /// `scale`: factor of all costs, so that the optimum is far above the solver's tolerances.
  TensorModel(const ScheduleProblem& problem, const CandidateRules& rules,
              const ScheduleLimits& limits, const ModelWeights& weights, double scale);

  const LinearModel& model() const { return model_; }
  /// The cost of the model in the unit of the weights, from that of the solver.
  double unscaled(double objective) const { return (objective - model_.offset) / scale_; }
  /// What a solution decides.
  Decisions decode(const std::vector<double>& values) const;
  /// The binary columns of a schedule; nothing if the model lacks one of its events.
  std::optional<std::vector<std::pair<Column, double>>> encode(const EventSchedule& schedule) const;

 private:
  /// The columns of a tensor at one of its events; -1: none.
  struct Event {
    SlotId slot = 0;
    bool use = false;
    Column kept = -1;           ///< from the event before
    Column made = -1;           ///< again
    std::vector<Column> comes;  ///< in, by number of ins
  };
  struct Page {
    PageCandidate window;
    Column column = -1;
  };
  struct Columns {
    std::vector<Event> events;
    std::vector<Page> outs, ins;
    bool always = false, passing = false;  ///< see TensorCandidates
  };
  enum class Phase { kRecompute, kOperator };

  void add_columns();
  /// Something goes out, and what does comes in again.
  void add_some_page();
  void add_tensor(StorageId i, const TensorCandidates& found);
  void add_availability();
  void add_home(StorageId i);
  void add_memory();
  void add_memory_row(SlotId slot, Phase phase, Bytes workspace, const LinearSum& more);
  void add_time();
  /// How a tensor comes to one of its events.
  static LinearSum ways(const Event& event);
  /// Whether it is there at one of its events.
  LinearSum there(StorageId i, std::size_t event) const;
  /// The column of being kept to the first event from `event` on that it can be kept to; -1: none.
  Column kept_to(StorageId i, std::size_t event) const;
  LinearSum in_memory(StorageId i, SlotId slot, Phase phase) const;
  LinearSum buffers(StorageId i, SlotId slot, Phase phase);
  double page_cost(const PageCost& cost) const;
  /// The transfer with the longest window within that of a page, for the same event; -1: none.
  Column page_column(const TensorPage& page) const;

  const ScheduleProblem& problem_;
  const CandidateRules rules_;
  const ScheduleLimits limits_;
  const ModelWeights weights_;
  const double scale_;
  double unit_ = 1;    ///< bytes that all sizes are multiples of
  double second_ = 1;  ///< the model's unit of time: far above the solver's tolerances
  LinearModel model_;
  std::vector<Columns> tensors_;
  std::map<std::pair<SlotId, SlotId>, Column> again_;  ///< operator of a slot in front of another
  std::vector<std::vector<std::pair<SlotId, Column>>> again_at_;  ///< the same, by place
  Column peak_ = -1;
};

}  // namespace etude::compiler
