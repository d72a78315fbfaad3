// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/cost/timing_source.h"
#include "compiler/schedule/event_schedule.h"
#include "sim/config/root_config.h"
#include "sim/report/wear.h"

namespace etude::run {

/// What it takes to bring a storage from flash to L2, or to erase its sectors and program its pages
/// from L2: as the SoC's DMA does it in a run.
compiler::PageCost flash_page_cost(Bytes bytes, bool to_l2, const RootConfig& config,
                                   const compiler::TimingSource& timing);

/// What a schedule does to flash in a step if what operators make is paged there: each storage that
/// goes out has sectors of its own, which are erased once. Errors: UserError if there are not so
/// many.
FlashUseOfStep flash_use(const compiler::ScheduleProblem& problem,
                         const compiler::EventSchedule& schedule, const FlashConfig& flash);

}  // namespace etude::run
