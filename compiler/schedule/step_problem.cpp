// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/step_problem.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "compiler/operators/not_available.h"
#include "compiler/schedule/scheduled_step.h"

namespace etude::compiler {
namespace {

/// What memory holds in whole beats of 8 bytes.
Bytes place_of(const Tensor& tensor) {
  return (std::max(Bytes{tensor.bytes()}, Bytes{1}) + Bytes{7}) / 8 * 8;
}

bool from_home(const Tensor& tensor) {
  return tensor.kind == TensorKind::kInput || tensor.kind == TensorKind::kParameter ||
         tensor.kind == TensorKind::kState;
}

/// `part` of a storage in whole pieces of those in which storages are paged.
double in_pieces(double part, Bytes bytes) {
  constexpr double kPiece = 16 * 1024;
  const double all = static_cast<double>(bytes.raw());
  return std::clamp(std::ceil(part * all / kPiece - 1e-9) * kPiece / all, kPiece / all, 1.0);
}

double part_at(const std::map<Slot, double>& parts, Slot slot, Bytes bytes) {
  const auto found = parts.find(slot);
  return found == parts.end() ? 1 : in_pieces(found->second, bytes);
}

ProblemTensor tensor_of(const Step& step, TensorId base, const StorageTraffic& traffic,
                        const StepCosts& costs) {
  const Tensor& tensor = step.tensor(base);
  ProblemTensor made;
  made.name = tensor.name;
  made.bytes = place_of(tensor);
  const auto& page = costs.page_made && !from_home(tensor) ? costs.page_made : costs.page;
  made.page_in = page(made.bytes, true);
  made.page_out = page(made.bytes, false);
  std::set<Slot> uses = traffic.reads;
  uses.insert(traffic.writes.begin(), traffic.writes.end());
  const bool home = from_home(tensor);
  if (!home) {
    made.producer = *traffic.writes.begin();
    uses.erase(*made.producer);
  }
  made.uses.assign(uses.begin(), uses.end());
  for (const Slot use : made.uses) {
    made.leads.push_back(part_at(traffic.leads, use, made.bytes));
  }
  if (!traffic.writes.empty()) {
    made.trail = part_at(traffic.trails, *traffic.writes.begin(), made.bytes);
  }
  made.updated = home && !traffic.writes.empty();
  const bool once =
      traffic.writes.size() == 1 && (!home || *traffic.writes.begin() == *uses.rbegin());
  if (!traffic.writes.empty() && !once) {
    throw NotAvailable("/schedule/policy",
                       "is not available for '" + tensor.name + "', which is written in place",
                       "use \"keep\" or \"sqrt\"");
  }
  return made;
}

}  // namespace

StepTraffic traffic_of_graph(const Step& step) {
  StepTraffic all;
  all.beside.resize(step.operators.size());
  for (Slot slot = 0; slot < step.operators.size(); ++slot) {
    for (const NodeId member : step.operators[slot].nodes()) {
      for (const TensorId input : step.graph().node(member).inputs) {
        all.storages[step.storage.base(input)].reads.insert(slot);
      }
      for (const TensorId output : step.graph().node(member).outputs) {
        all.storages[step.storage.base(output)].writes.insert(slot);
      }
    }
  }
  return all;
}

StepProblem problem_of(const Step& step, const StepTraffic& traffic, const StepCosts& costs,
                       bool home_in_l2) {
  StepProblem made;
  ScheduleProblem& problem = made.problem;
  problem.static_w = costs.static_w;
  Bytes always{0};  // the loss stands in L2 all along
  for (const auto& [base, of] : traffic.storages) {
    const Tensor& tensor = step.tensor(base);
    if (tensor.kind == TensorKind::kLoss || (home_in_l2 && from_home(tensor))) {
      always += home_in_l2 ? Bytes{0} : place_of(tensor);
      continue;
    }
    // What nobody reads is not stored.
    if (from_home(tensor) || !of.reads.empty()) {
      problem.tensors.push_back(tensor_of(step, base, of, costs));
      made.bases.push_back(base);
    }
  }
  for (Slot slot = 0; slot < step.operators.size(); ++slot) {
    ProblemSlot op;
    op.name = step.graph().node(step.operators[slot].node).name;
    op.seconds = costs.seconds.at(slot);
    op.joules = costs.joules.at(slot);
    op.workspace = always + traffic.beside.at(slot);
    op.recomputable = runs_again(step, slot);
    const Slot limit = recompute_limit(step, slot);
    if (home_in_l2 && limit < step.operators.size()) {
      op.changed_at = limit;
    }
    problem.slots.push_back(std::move(op));
  }
  problem.complete("the step");
  made.first = problem.slots.size() > step.operators.size() ? 1 : 0;
  return made;
}

Schedule schedule_of(const StepProblem& of, const EventSchedule& events) {
  const auto slots = static_cast<Slot>(of.problem.slots.size() - (of.first != 0 ? 2 : 0));
  Schedule schedule;
  schedule.order.resize(slots);
  std::iota(schedule.order.begin(), schedule.order.end(), 0u);
  for (SlotId at = 0; at < events.slots.size(); ++at) {
    const auto& runs = events.slots[at];
    for (std::size_t i = 0; i + 1 < runs.size(); ++i) {
      if (i > 0 && runs[i].slot <= runs[i - 1].slot) {
        throw std::logic_error("operators run again out of their order");
      }
      schedule.recomputes.push_back({runs[i].slot - of.first, at - of.first});
    }
  }
  for (const TensorPage& page : events.pages) {
    const SlotId begin = of.first, end = of.first + slots;
    if (page.last < begin || page.first >= end) {
      continue;
    }
    const bool out = page.direction == TensorPage::Direction::kOut;
    schedule.pages.push_back({of.bases.at(page.tensor), out, std::max(page.first, begin) - begin,
                              std::min(page.last, end - 1) - begin});
  }
  return schedule;
}

}  // namespace etude::compiler
