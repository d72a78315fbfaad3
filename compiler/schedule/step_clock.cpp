// SPDX-License-Identifier: Apache-2.0
#include "compiler/schedule/step_clock.h"

#include <algorithm>
#include <tuple>

namespace etude::compiler {

StepClock::StepClock(const ScheduleProblem& problem, const std::vector<TensorPage>& pages) {
  for (const TensorPage& page : pages) {
    const bool in = page.direction == TensorPage::Direction::kIn;
    const ProblemTensor& tensor = problem.tensors[page.tensor];
    const PageCost& cost = in ? tensor.page_in : tensor.page_out;
    // Of what goes out, the first parts go beside the operator in front of the window.
    const SlotId from = in || page.first == 0 ? page.first : page.first - 1;
    const double part = in ? tensor.lead(page.last + 1) : tensor.trail;
    jobs_.push_back({from, page.last + 1, in, cost.seconds, part * cost.seconds, cost.seconds});
  }
  // What goes out makes room for what comes in at the same point.
  std::ranges::stable_sort(jobs_, {},
                           [](const Job& job) { return std::tuple(job.from, job.due, job.in); });
}

double StepClock::wait_for(SlotId slot) {
  double seconds = 0;
  beside_ = nullptr;
  for (Job* job : open_) {
    if (job->due == slot) {
      seconds += job->left;
      beside_ = job->in && job->left > 0 ? job : beside_;
    }
  }
  if (beside_ != nullptr) {
    beside_->left = std::min(beside_->left, beside_->seconds - beside_->part);
    seconds -= beside_->left;
  }
  std::erase_if(open_, [&](const Job* job) { return job->due == slot && job != beside_; });
  return seconds;
}

double StepClock::slot(SlotId slot, double length) {
  for (; next_ < jobs_.size() && jobs_[next_].from == slot; ++next_) {
    open_.push_back(&jobs_[next_]);
  }
  std::ranges::stable_sort(open_, {}, [](const Job* job) { return std::tuple(job->due, job->in); });
  const double waited = wait_for(slot);
  double time = length;
  if (beside_ != nullptr) {
    const double rest = beside_->left > 0 ? length * beside_->part / beside_->seconds : 0;
    length = std::max(length, beside_->left + rest);
    time = length - beside_->left;
    std::erase(open_, beside_);
  }
  for (Job* job : open_) {
    const bool being_made = !job->in && job->from == slot;
    const double ready = being_made ? std::max(0.0, job->left - job->part) : job->left;
    const double served = std::min(ready, time);
    job->left -= served;
    time -= served;
  }
  return waited + length;
}

double StepClock::finish() {
  double seconds = 0;
  for (const Job* job : open_) {
    seconds += job->left;
  }
  return seconds;
}

}  // namespace etude::compiler
