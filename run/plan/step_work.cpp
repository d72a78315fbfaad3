// SPDX-License-Identifier: Apache-2.0
#include "run/plan/step_work.h"

#include <algorithm>

#include "models/base/pulp_map_regs.h"

namespace etude::run {
namespace {
// Of a core at work on kernels, per cycle, where no step was measured. Assumed: rounded from a few
// runs of the built-in networks.
constexpr double kInstructions = 0.8, kMultiplyAdds = 0.15, kAccesses = 0.6;
/// Cycles over which the assumed events are counted: whole numbers of each.
constexpr std::uint64_t kSample = 1000000;

std::uint64_t part(double share, std::uint64_t of) {
  return static_cast<std::uint64_t>(share * static_cast<double>(of));
}

Activity assumed_kernels(const PlatformConfig& platform) {
  const std::uint64_t busy = kSample * platform.cluster.cores;
  Activity activity{Cycle{0}, {}, {}};
  activity.counters["core0.alu"] = part(kInstructions - kMultiplyAdds, busy);
  activity.counters["core0.fp_addmul"] = part(kMultiplyAdds, busy);
  activity.counters["tcdm.reads"] = part(kAccesses, busy);
  activity.core_stalls["awake"] = part(1 - kInstructions, busy);
  return activity;
}

bool in_extmem(Address address) { return address.raw() >= ETUDE_HYPERRAM_BASE; }
bool in_flash(Address address) { return address.raw() >= ETUDE_FLASH_BASE; }

/// Whole pages of flash that `bytes` from `first` on touch.
std::uint64_t flash_pages(Address first, std::uint64_t bytes) {
  constexpr std::uint64_t kPage = FlashConfig::kPageBytes;
  const std::uint64_t at = first.raw() - ETUDE_FLASH_BASE;
  return (at + bytes + kPage - 1) / kPage - at / kPage;
}

}  // namespace

void StepWork::add(const Operation& operation, Cycle cycles, const PlatformConfig& platform,
                   const compiler::TimingSource& timing) {
  CounterSnapshot& counters = activity.counters;
  const auto cycle_count = static_cast<double>(cycles.raw());
  if (operation.as<KernelCall>() != nullptr) {
    kernel_cycles += cycle_count;
  } else if (const auto* job = operation.as<MatrixJob>()) {
    const RedmuleConfig& array = platform.cluster.redmule;
    const std::uint64_t columns = array.columns();
    counters["redmule.fma_useful"] +=
        std::uint64_t{job->m} * job->n * ((job->k + columns - 1) / columns * columns);
    counters["redmule.active"] += cycles.raw();
    counters["tcdm.reads"] +=
        timing.redmule_beats(job->m, job->n, job->k) * (array.port_bytes() / 4);
  } else if (const auto* transfer = operation.as<Transfer>()) {
    const std::uint64_t bytes = transfer->bytes();
    counters[transfer->to_l1 ? "dma.bytes_in" : "dma.bytes_out"] += bytes;
    counters[transfer->to_l1 ? "l2.read_bytes" : "l2.write_bytes"] += bytes;
    counters[transfer->to_l1 ? "tcdm.writes" : "tcdm.reads"] += bytes / 4;
    counters["dma.busy"] += cycles.raw();
  } else if (const auto* page = operation.as<PageTransfer>()) {
    const bool out = in_extmem(page->to);
    counters[out ? "soc_dma.l2_to_ext_bytes" : "soc_dma.ext_to_l2_bytes"] += page->bytes;
    counters[out ? "l2.read_bytes" : "l2.write_bytes"] += page->bytes;
    if (in_flash(out ? page->to : page->from)) {
      counters[out ? "flash.pages" : "flash.read_bytes"] +=
          out ? flash_pages(page->to, page->bytes) : page->bytes;
    } else {
      counters[out ? "hyperram.write_bytes" : "hyperram.read_bytes"] += page->bytes;
    }
  } else if (const auto* erase = operation.as<FlashErase>()) {
    counters["flash.sectors"] += erase->bytes / FlashConfig::kSectorBytes;
  }
}

StepWork work_of(const Program& program, const PlatformConfig& platform,
                 const compiler::TimingSource& timing) {
  StepWork work;
  for (const Operation& operation : program.tasks.operations) {
    Cycle cycles{0};
    if (const auto* job = operation.as<MatrixJob>()) {
      cycles = timing.redmule(job->m, job->n, job->k);
    } else if (const auto* transfer = operation.as<Transfer>()) {
      cycles = timing.dma(transfer->rows, Bytes{transfer->row_bytes}, transfer->to_l1);
    }
    work.add(operation, cycles, platform, timing);
  }
  work.kernel_cycles = static_cast<double>(program.kernel_cycles.raw());
  return work;
}

WorkPrices::WorkPrices(const PlatformConfig& platform, const EnergyConfig& table)
    : platform_(platform), table_(table) {
  per_kernel_cycle_ = price(assumed_kernels(platform), platform, table).dynamic / kSample;
  const Cycle second{static_cast<std::uint64_t>(platform.cluster.clock_hz)};
  Activity idle{second, {}, {}};
  idle.core_stalls["sleep"] = second.raw() * platform.cluster.cores;
  const EnergyBill bill = price(idle, platform, table);
  asleep_watts_ = bill.dynamic;
  static_watts_ = bill.total;
}

void WorkPrices::calibrate(const StepWork& work, const Activity& measured) {
  const EnergyBill known = price(work.activity, platform_, table_);
  const EnergyBill found = price(measured, platform_, table_);
  const double seconds = static_cast<double>(measured.cycles.raw()) / platform_.cluster.clock_hz;
  for (const auto& [component, joules] : known.component) {
    const bool of_cores = component == "cores" || component == "tcdm" || component == "leakage";
    if (!of_cores && joules > 0) {
      measured_of_known_[component] = found.component.at(component) / joules;
    }
  }
  if (work.kernel_cycles > 0) {
    const double cores = found.component.at("cores") - asleep_watts_ * seconds +
                         found.component.at("tcdm") - known.component.at("tcdm");
    per_kernel_cycle_ = std::max(0.0, cores) / work.kernel_cycles;
  }
}

double WorkPrices::static_watts(Bytes l2) const {
  if (l2 == platform_.l2.size) {
    return static_watts_;
  }
  PlatformConfig other = platform_;
  other.l2.size = l2;
  return static_watts_ + leakage_watts(other, table_) - leakage_watts(platform_, table_);
}

double WorkPrices::joules(const StepWork& work) const {
  double sum = per_kernel_cycle_ * work.kernel_cycles;
  for (const auto& [component, joules] : price(work.activity, platform_, table_).component) {
    const auto ratio = measured_of_known_.find(component);
    sum += joules * (ratio == measured_of_known_.end() ? 1.0 : ratio->second);
  }
  return sum;
}

}  // namespace etude::run
