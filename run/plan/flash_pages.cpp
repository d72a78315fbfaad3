// SPDX-License-Identifier: Apache-2.0
#include "run/plan/flash_pages.h"

#include <string>

#include "models/base/error.h"
#include "sim/energy/energy.h"

namespace etude::run {
namespace {

constexpr std::uint64_t parts(std::uint64_t bytes, std::uint64_t each) {
  return (bytes + each - 1) / each;
}
std::uint64_t sectors(Bytes bytes) { return parts(bytes.raw(), FlashConfig::kSectorBytes); }
std::uint64_t pages(Bytes bytes) { return parts(bytes.raw(), FlashConfig::kPageBytes); }

}  // namespace

compiler::PageCost flash_page_cost(Bytes bytes, bool to_l2, const RootConfig& config,
                                   const compiler::TimingSource& timing) {
  using compiler::FlashUse;
  Activity activity{Cycle{0}, {}, {}};
  CounterSnapshot& counters = activity.counters;
  const std::uint64_t n = bytes.raw();
  Cycle cycles{0};
  if (to_l2) {
    counters["soc_dma.ext_to_l2_bytes"] = counters["l2.write_bytes"] = n;
    counters["flash.read_bytes"] = n;
    cycles = timing.flash(FlashUse::kRead, bytes);
  } else {
    counters["soc_dma.l2_to_ext_bytes"] = counters["l2.read_bytes"] = n;
    counters["flash.pages"] = pages(bytes);
    counters["flash.sectors"] = sectors(bytes);
    cycles = timing.flash(FlashUse::kErase, bytes) + timing.flash(FlashUse::kProgram, bytes);
  }
  return {static_cast<double>(cycles.raw()) / config.platform.cluster.clock_hz,
          price(activity, config.platform, config.energy).dynamic};
}

FlashUseOfStep flash_use(const compiler::ScheduleProblem& problem,
                         const compiler::EventSchedule& schedule, const FlashConfig& flash) {
  FlashUseOfStep use;
  for (const compiler::TensorPage& page : schedule.pages) {
    const compiler::ProblemTensor& tensor = problem.tensors[page.tensor];
    if (page.direction == compiler::TensorPage::Direction::kOut && tensor.producer) {
      use.programmed_bytes += tensor.bytes.raw();
      use.pages += pages(tensor.bytes);
      use.sectors += sectors(tensor.bytes);
      use.most_worn = 1;
    }
  }
  const std::uint64_t needed = use.sectors * FlashConfig::kSectorBytes;
  if (needed > flash.size.raw()) {
    throw UserError("/platform/flash/size",
                    "is " + std::to_string(flash.size.raw()) + ", and " + std::to_string(needed) +
                        " bytes are paged there",
                    "give a larger flash, or page to \"extmem\"");
  }
  return use;
}

}  // namespace etude::run
