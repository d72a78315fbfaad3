// SPDX-License-Identifier: Apache-2.0
#include "run/plan/exact_l2.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "compiler/schedule/clocked_search.h"
#include "models/base/error.h"

namespace etude::run {
namespace {

constexpr unsigned kRounds = 4;  ///< of a search in one L2
/// Where just what was needed does not do after all: so much more, twice that, and so on.
constexpr Bytes kMore{32 << 10};

/// What the budget and all below it take; no L2 is smaller than one.
Bytes needed_by(const StepAnswer& found) {
  return std::max(*found.request.limits.budget + found.l2_fixed(),
                  Bytes{static_cast<std::uint64_t>(L2Config::kSize.min)});
}

/// That which would do.
double deadline_of(const StepAnswer& refused) {
  const auto& needs = refused.answer.needs;
  return needs ? needs->deadline_s.value_or(std::numeric_limits<double>::infinity())
               : std::numeric_limits<double>::infinity();
}

/// `found`: in an L2 with room for everything. Another L2 makes another program of the same
/// schedule, and so another time: asked again in the L2 that was needed, until that is the one that
/// was given. Only what is found there counts; what an L2 of less cannot do in time, or at all, a
/// larger one has to.
StepAnswer in_exact_l2(const TrainingGraph& training, RootConfig config, const StepModel& model,
                       const AnswerOptions& options, const StepAnswer& found) {
  std::optional<StepAnswer> best, refused;
  std::optional<UserError> misplaced;
  Bytes size = needed_by(found), more{};
  for (unsigned round = 0; round < kRounds; ++round) {
    config.platform.l2.size = size;
    try {
      StepAnswer next = answer_step(training, config, model, options);
      if (next.program) {
        const Bytes needed = needed_by(next);
        next.l2_size = size;
        best = std::move(next);
        if (needed == size || more != Bytes{}) {
          break;
        }
        size = needed;
        continue;
      }
      if (!refused || deadline_of(next) < deadline_of(*refused)) {
        refused = std::move(next);
      }
    } catch (const UserError& error) {
      misplaced = error;
    }
    if (best) {
      break;  // it runs in the L2 of the round before
    }
    more = more == Bytes{} ? kMore : more + more;
    size += more;
  }
  if (!best && !refused) {
    throw *misplaced;
  }
  return best ? std::move(*best) : std::move(*refused);
}

}  // namespace

StepAnswer answer_in_some_l2(const TrainingGraph& training, const RootConfig& config,
                             const StepModel& model, const AnswerOptions& options) {
  try {
    return answer_step(training, config, model, options);
  } catch (const UserError& error) {
    if (config.schedule.budget == 0) {
      throw;
    }
    RootConfig large = config;
    large.platform.l2.size = kLargestL2;
    AnswerOptions remembering = options;
    remembering.memory = std::make_shared<compiler::SolveMemory>();
    std::optional<StepAnswer> found;
    try {
      found = answer_step(training, large, model, remembering);
      if (!found->program && found->answer.needs && found->answer.needs->deadline_s) {
        // Late with all that room, which says nothing of less: another L2, another program.
        RootConfig later = large;
        later.schedule.deadline = *found->answer.needs->deadline_s;
        if (StepAnswer late = answer_step(training, later, model, remembering); late.program) {
          found = std::move(late);
        }
      }
      if (found->program) {
        found = in_exact_l2(training, large, model, remembering, *found);
      }
    } catch (const UserError&) {
      found.reset();
    }
    if (!found) {
      throw;
    }
    if (found->program) {
      found->warnings.push_back("a run of this needs another L2 than the platform's (" +
                                std::string(error.what()) + "): give /platform/l2/size " +
                                std::to_string(found->l2_size->raw()));
    }
    return std::move(*found);
  }
}

}  // namespace etude::run
