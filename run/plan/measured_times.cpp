// SPDX-License-Identifier: Apache-2.0
#include "run/plan/measured_times.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "kernels/include/etude_kernel_extents.h"
#include "models/base/pulp_map_regs.h"

namespace etude::run {
namespace {

constexpr std::uint32_t kTransferIn = 1u << 16, kTransferOut = 2u << 16, kJob = 3u << 16,
                        kOther = 4u << 16;

bool in_flash(Address address) { return address.raw() >= ETUDE_FLASH_BASE; }

/// The layer whose operator runs again: copies are named after it.
std::string original(const std::string& layer) {
  constexpr std::string_view kCopy = ".recompute";
  const std::size_t at = layer.rfind(kCopy);
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return at != std::string::npos && std::ranges::all_of(layer.substr(at + kCopy.size()), digit)
             ? layer.substr(0, at)
             : layer;
}

/// When a unit worked, one operation behind the other.
struct Busy {
  std::vector<double> begin, end, share;

  void add(double from, double to, double of) {
    begin.push_back(from);
    end.push_back(to);
    share.push_back(of);
  }
  /// What it takes of the banks at a moment (0: it rests), and until when that stays so.
  std::pair<double, double> at(double when) const {
    const auto i = static_cast<std::size_t>(std::ranges::upper_bound(end, when) - end.begin());
    if (i == end.size()) {
      return {0, std::numeric_limits<double>::max()};
    }
    return begin[i] > when ? std::pair(0.0, begin[i]) : std::pair(share[i], end[i]);
  }
};

/// From when to when each operation had its unit, and who worked beside it.
class Account {
 public:
  Account(const Program& program, const std::vector<OperationSpan>& spans,
          const PlatformConfig& platform, const compiler::TimingSource& timing)
      : cluster_(platform.cluster), from_(spans.size()), to_(spans.size()), behind_(spans.size()) {
    const bool one_dma = cluster_.dma.engine == DmaConfig::Engine::kIdma;
    std::array<double, kUnits + 1> free{};
    for (std::size_t i = 0; i < spans.size(); ++i) {
      const Operation& operation = program.tasks.operations[i];
      if (!operation.posted() || spans[i].end == Cycle{}) {
        continue;
      }
      const auto* transfer = operation.as<Transfer>();
      const auto unit = static_cast<std::size_t>(operation.unit());
      double& before = free[transfer != nullptr && !transfer->to_l1 && !one_dma ? kUnits : unit];
      // A kernel or job begins with the last access that posts it; core 0 posts and runs its own.
      const bool to_the_end = transfer == nullptr && i + 1 < spans.size() &&
                              (cluster_.controller || operation.unit() != TaskUnit::kCores);
      const double posted =
          static_cast<double>((to_the_end ? spans[i + 1].taken_up : spans[i].begin).raw());
      to_[i] = static_cast<double>(spans[i].end.raw());
      behind_[i] = transfer != nullptr && before > posted;
      from_[i] = std::min(to_[i], std::max(before, posted));
      before = std::max(before, to_[i]);
      if (operation.as<KernelCall>() != nullptr) {
        cores_.add(from_[i], to_[i], 1);
      } else if (const auto* job = operation.as<MatrixJob>()) {
        redmule_.add(from_[i], to_[i], port_share(*job, timing));
      }
    }
  }

  /// Whether it is a transfer that the DMA did straight behind another one.
  bool behind(std::size_t i) const { return behind_[i]; }

  /// What operation i would have taken by itself.
  double alone(std::size_t i, TaskUnit unit) const {
    double work = 0;
    for (double now = from_[i]; now < to_[i];) {
      const auto [share, first] = redmule_.at(now);
      const auto [busy, second] = cores_.at(now);
      const double next = std::min({to_[i], first, second});
      work += (next - now) * speed_beside(unit, share, busy > 0, cluster_);
      now = next;
    }
    return work;
  }

 private:
  const ClusterConfig& cluster_;
  std::vector<double> from_, to_;
  std::vector<bool> behind_;
  Busy redmule_, cores_;
};

}  // namespace

double port_share(const MatrixJob& job, const compiler::TimingSource& timing) {
  return static_cast<double>(timing.redmule_beats(job.m, job.n, job.k)) /
         static_cast<double>(std::max<std::uint64_t>(1, timing.redmule(job.m, job.n, job.k).raw()));
}

Cycle modelled_cycles(const Operation& operation, const compiler::TimingSource& timing) {
  if (const auto* call = operation.as<KernelCall>()) {
    const auto number = static_cast<etude_kernel>(call->kernel);
    return timing.kernel(number, etude_kernel_extents(number, call->args.data()));
  }
  if (const auto* job = operation.as<MatrixJob>()) {
    return timing.redmule(job->m, job->n, job->k);
  }
  if (const auto* transfer = operation.as<Transfer>()) {
    return timing.dma(transfer->rows, Bytes{transfer->row_bytes}, transfer->to_l1);
  }
  if (const auto* page = operation.as<PageTransfer>()) {
    return in_flash(page->from) ? timing.flash(compiler::FlashUse::kRead, Bytes{page->bytes})
           : in_flash(page->to) ? timing.flash(compiler::FlashUse::kProgram, Bytes{page->bytes})
                                : timing.soc_dma(Bytes{page->bytes});
  }
  if (const auto* erase = operation.as<FlashErase>()) {
    return timing.flash(compiler::FlashUse::kErase, Bytes{erase->bytes});
  }
  return Cycle{0};
}

void MeasuredTimes::Sum::add(double cycles, double of_model) {
  measured += cycles;
  modelled += of_model;
  ++count;
}

std::optional<double> MeasuredTimes::Sums::scaled(double of_model, bool behind) const {
  const Sum& same = of[behind ? 1 : 0];
  const Sum& other = of[behind ? 0 : 1];
  const Sum& sum = same.count > 0 ? same : other;
  if (sum.modelled > 0) {
    return of_model * sum.measured / sum.modelled;
  }
  return sum.count > 0 ? std::optional(of_model) : std::nullopt;
}

MeasuredTimes::Kind MeasuredTimes::kind_of(const Operation& operation) {
  if (const auto* call = operation.as<KernelCall>()) {
    return call->kernel;
  }
  if (const auto* transfer = operation.as<Transfer>()) {
    return transfer->to_l1 ? kTransferIn : kTransferOut;
  }
  return operation.as<MatrixJob>() != nullptr ? kJob : kOther;
}

MeasuredTimes::Arguments MeasuredTimes::arguments_of(const Operation& operation) {
  Arguments key{kind_of(operation)};
  if (const auto* call = operation.as<KernelCall>()) {
    constexpr std::uint32_t kL1End = ETUDE_L1_BASE + (4u << 20);
    std::ranges::transform(call->args, key.begin() + 1, [](std::uint32_t argument) {
      return argument >= ETUDE_L1_BASE && argument < kL1End ? ETUDE_L1_BASE : argument;
    });
  } else if (const auto* job = operation.as<MatrixJob>()) {
    std::ranges::copy(
        std::array<std::uint32_t, 5>{job->m, job->n, job->k, job->accumulate, job->half},
        key.begin() + 1);
  } else if (const auto* transfer = operation.as<Transfer>()) {
    std::ranges::copy(std::array<std::uint32_t, 4>{transfer->rows, transfer->row_bytes,
                                                   transfer->l1_pitch == transfer->row_bytes,
                                                   transfer->l2_pitch == transfer->row_bytes},
                      key.begin() + 1);
  }
  return key;
}

MeasuredTimes::MeasuredTimes(const Program& program, const std::vector<OperationSpan>& spans,
                             const PlatformConfig& platform, const compiler::TimingSource& timing)
    : timing_(timing), work_(measured_work(program, spans, platform.cluster)) {
  const Account account(program, spans, platform, timing);
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const Operation& operation = program.tasks.operations[i];
    if (!operation.posted() || spans[i].end == Cycle{}) {
      continue;
    }
    const double cycles = account.alone(i, operation.unit());
    const auto modelled = static_cast<double>(modelled_cycles(operation, timing).raw());
    const Kind kind = kind_of(operation);
    for (Sums* sums :
         {&same_[arguments_of(operation)],
          &of_layer_[{original(program.layers[operation.layer].name), kind}], &of_kind_[kind]}) {
      sums->of[account.behind(i) ? 1 : 0].add(cycles, modelled);
    }
  }
  std::map<Kind, Sum> shorter;
  for (const auto& [arguments, sums] : same_) {
    if (sums.of[0].count > 0 && sums.of[1].count > 0) {
      shorter[arguments.front()].add(sums.of[0].mean() - sums.of[1].mean(), 0);
    }
  }
  for (const auto& [kind, sum] : shorter) {
    shorter_behind_[kind] = sum.mean();
  }
}

double MeasuredTimes::cycles_of(const Operation& operation, const std::string& layer,
                                bool behind) const {
  const Kind kind = kind_of(operation);
  if (const auto same = same_.find(arguments_of(operation)); same != same_.end()) {
    const auto& of = same->second.of;
    behind = behind && operation.as<Transfer>() != nullptr;
    if (const Sum& seen = of[behind ? 1 : 0]; seen.count > 0) {
      return seen.mean();
    }
    const auto found = shorter_behind_.find(kind);
    const double shorter = found == shorter_behind_.end() ? 0 : found->second;
    return std::max(1.0, behind ? of[0].mean() - shorter : of[1].mean() + shorter);
  }
  const auto modelled = static_cast<double>(modelled_cycles(operation, timing_).raw());
  const bool kernel = operation.as<KernelCall>() != nullptr;
  if (const auto of = of_layer_.find({layer, kind}); kernel && of != of_layer_.end()) {
    return of->second.scaled(modelled, behind).value_or(modelled);
  }
  const auto of = of_kind_.find(kind);
  return of == of_kind_.end() ? modelled : of->second.scaled(modelled, behind).value_or(modelled);
}

ListTimes MeasuredTimes::of(const Program& program) const {
  std::vector<std::string> layers;
  for (const Layer& layer : program.layers) {
    layers.push_back(original(layer.name));
  }
  ListTimes times;
  times.work = work_;
  for (const Operation& operation : program.tasks.operations) {
    const auto* job = operation.as<MatrixJob>();
    times.port_share.push_back(job != nullptr ? port_share(*job, timing_) : 0);
    for (const bool behind : {false, true}) {
      const double cycles =
          operation.posted() ? cycles_of(operation, layers[operation.layer], behind) : 0;
      (behind ? times.behind : times.alone).push_back(cycles);
    }
  }
  return times;
}

}  // namespace etude::run
