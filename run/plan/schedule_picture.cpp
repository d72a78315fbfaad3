// SPDX-License-Identifier: Apache-2.0
#include "run/plan/schedule_picture.h"

#include <algorithm>
#include <array>
#include <vector>

#include "workloads/graph/kind_name.h"

namespace etude::run {
namespace {
using compiler::EventSchedule;
using compiler::ProblemSlot;
using compiler::ProblemTensor;
using compiler::ScheduledOperator;
using compiler::ScheduleProblem;
using compiler::SlotId;
using compiler::StorageId;
using compiler::TensorPage;
using Json = nlohmann::ordered_json;

/// In the order in which the later one shows where a slot has several.
enum class State : std::uint8_t { kNone, kKept, kOut, kIn, kComputed, kRecomputed };
constexpr std::array<char, 6> kLetters{' ', 'k', 'o', 'i', 'c', 'r'};

/// Goes through a schedule that the replay has found right.
class Painter {
 public:
  Painter(const ScheduleProblem& problem, const EventSchedule& schedule, const PictureNames& names)
      : problem_(problem), schedule_(schedule), held_(problem.tensors.size()) {
    for (const ProblemTensor& tensor : problem.tensors) {
      kinds_.push_back(kind_of(tensor, names));
    }
    cells_.resize(problem.tensors.size());
  }

  void run() {
    for (SlotId slot = 0; slot < schedule_.slots.size(); ++slot) {
      play(slot);
    }
  }

  const std::string& kind(StorageId i) const { return kinds_[i]; }
  /// Bytes by kind at the peak of each slot.
  const std::vector<std::map<std::string, std::uint64_t>>& peaks() const { return peaks_; }

  std::string cells(StorageId i) const {
    std::string text;
    const std::vector<State>& row = cells_[i];
    for (std::size_t begin = 0; begin < row.size();) {
      std::size_t end = begin + 1;
      while (end < row.size() && row[end] == row[begin]) {
        ++end;
      }
      if (row[begin] != State::kNone) {
        text += (text.empty() ? "" : " ") + std::string(1, kLetters[static_cast<int>(row[begin])]) +
                std::to_string(begin) + (end > begin + 1 ? "-" + std::to_string(end - 1) : "");
      }
      begin = end;
    }
    return text;
  }

 private:
  struct Held {
    bool resident = false, going = false, coming = false;
    bool came = false;  ///< at the point in front of the slot
  };

  /// Whether a transfer has the point between two slots, where the step waits for it.
  static bool at_point(const TensorPage& page) { return page.first > page.last; }

  std::string kind_of(const ProblemTensor& tensor, const PictureNames& names) const {
    if (const auto named = names.kinds.find(tensor.name); named != names.kinds.end()) {
      return named->second;
    }
    if (!tensor.producer) {
      return "parameter";
    }
    return problem_.slots[*tensor.producer].recomputable ? "activation" : "gradient";
  }

  void show(StorageId i, State state) {
    State& cell = cells_[i].back();
    cell = std::max(cell, state);
  }

  void measure(Bytes workspace) {
    std::map<std::string, std::uint64_t> bytes;
    std::uint64_t sum = workspace.raw();
    const auto add = [&](const std::string& kind, Bytes more) {
      bytes[kind] += more.raw();
      sum += more.raw();
    };
    for (StorageId i = 0; i < held_.size(); ++i) {
      if (held_[i].resident) {
        add(kinds_[i], problem_.tensors[i].bytes);
      } else if (held_[i].going) {
        add("transfer", problem_.tensors[i].bytes);
      }
      if (held_[i].coming) {
        add("transfer", problem_.tensors[i].bytes);
      }
    }
    if (workspace > Bytes{}) {
      bytes["workspace"] = workspace.raw();
    }
    if (sum > most_) {
      most_ = sum;
      peaks_.back() = std::move(bytes);
    }
  }

  void run_operator(const ScheduledOperator& step, bool own) {
    const ProblemSlot& slot = problem_.slots[step.slot];
    Bytes workspace = slot.workspace;
    for (const StorageId i : slot.outputs) {
      if (!own && (held_[i].resident || held_[i].going)) {
        workspace += problem_.tensors[i].bytes;  // made beside the one that is kept
        continue;
      }
      held_[i].resident = true;
      show(i, own ? State::kComputed : State::kRecomputed);
    }
    measure(workspace);
    for (const StorageId i : step.frees) {
      held_[i].resident = false;
    }
  }

  void play(SlotId slot) {
    peaks_.emplace_back();
    most_ = 0;
    for (StorageId i = 0; i < held_.size(); ++i) {
      const State state = held_[i].coming || held_[i].came ? State::kIn
                          : held_[i].going                 ? State::kOut
                          : held_[i].resident              ? State::kKept
                                                           : State::kNone;
      cells_[i].push_back(state);
      held_[i].came = false;
    }
    for (const TensorPage& page : schedule_.pages) {
      if (page.first == slot && !at_point(page)) {
        const bool out = page.direction == TensorPage::Direction::kOut;
        (out ? held_[page.tensor].going : held_[page.tensor].coming) = true;
        show(page.tensor, out ? State::kOut : State::kIn);
      }
    }
    measure(Bytes{});
    for (std::size_t s = 0; s < schedule_.slots[slot].size(); ++s) {
      run_operator(schedule_.slots[slot][s], s + 1 == schedule_.slots[slot].size());
    }
    for (const TensorPage& page : schedule_.pages) {
      if (page.last != slot) {
        continue;
      }
      Held& held = held_[page.tensor];
      if (at_point(page)) {
        const bool out = page.direction == TensorPage::Direction::kOut;
        out ? show(page.tensor, State::kOut) : void(held.came = true);
      }
      if (page.direction == TensorPage::Direction::kOut) {
        held.going = false;
      } else {
        held.coming = false;
        held.resident = true;
      }
    }
  }

  const ScheduleProblem& problem_;
  const EventSchedule& schedule_;
  std::vector<std::string> kinds_;
  std::vector<Held> held_;
  std::vector<std::vector<State>> cells_;
  std::vector<std::map<std::string, std::uint64_t>> peaks_;
  std::uint64_t most_ = 0;
};

}  // namespace

PictureNames::PictureNames(const Graph& graph) {
  for (const Tensor& tensor : graph.tensors()) {
    kinds[tensor.name] = name_of(tensor.kind);
  }
  for (const Node& node : graph.nodes()) {
    phases[node.name] = name_of(node.phase);
  }
}

void add_picture(Json& answer, const ScheduleProblem& problem, const EventSchedule& schedule,
                 const compiler::Replay& replay, const PictureNames& names) {
  if (!replay.ok || schedule.slots.size() != problem.slots.size()) {
    return;
  }
  Painter painter(problem, schedule, names);
  painter.run();
  answer["slots"] = Json::array();
  double start = 0;
  for (SlotId i = 0; i < problem.slots.size(); ++i) {
    const ProblemSlot& slot = problem.slots[i];
    const auto phase = names.phases.find(slot.name);
    Json json{{"name", slot.name}};
    json["phase"] = phase != names.phases.end()                   ? phase->second
                    : slot.recomputable                           ? "forward"
                    : slot.inputs.empty() && slot.outputs.empty() ? "page"  // an end of the step
                    : slot.outputs.empty()                        ? "update"
                                                                  : "backward";
    json["start_s"] = start;
    json["seconds"] = replay.slot_seconds.at(i);
    json["bytes"] = painter.peaks().at(i);
    answer["slots"].push_back(json);
    start += replay.slot_seconds[i];
  }
  answer["tensors"] = Json::array();
  for (StorageId i = 0; i < problem.tensors.size(); ++i) {
    answer["tensors"].push_back({{"name", problem.tensors[i].name},
                                 {"bytes", problem.tensors[i].bytes.raw()},
                                 {"kind", painter.kind(i)},
                                 {"cells", painter.cells(i)}});
  }
}

}  // namespace etude::run
