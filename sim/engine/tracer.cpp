// SPDX-License-Identifier: Apache-2.0
#include "sim/engine/tracer.h"

#include <algorithm>

#include "kernels/include/etude_task.h"

namespace etude {
namespace {

// Tracks behind the harts'.
enum Track : std::size_t { kRedmule, kDmaIn, kDmaOut, kSocDma, kTracks };

}  // namespace

Tracer::Tracer(const Job& job, const std::vector<std::string>& harts, Timeline& timeline)
    : job_(job),
      timeline_(timeline),
      first_track_(timeline.tracks.size()),
      harts_(harts.size()),
      open_(harts.size() + kTracks),
      kernels_begun_(harts.size()) {
  for (const std::string& name : harts) {
    timeline_.tracks.push_back({name, {}});
  }
  for (const char* name : {"redmule", "dma in", "dma out", "soc_dma"}) {
    timeline_.tracks.push_back({name, {}});
  }
  for (std::uint32_t op = 0; op < job.op_unit.size(); ++op) {
    if (job.op_unit[op] == ETUDE_UNIT_CORES) {
      kernels_.push_back(op);
    } else if (job.op_unit[op] == ETUDE_UNIT_REDMULE) {
      jobs_.push_back(op);
    }
  }
}

void Tracer::open(std::size_t track, std::uint64_t now, std::string name, std::uint32_t op) {
  close(track, now);
  open_[track] = {true, now, std::move(name), op};
}

void Tracer::open_work(std::size_t track, std::uint64_t now, const std::vector<std::uint32_t>& ops,
                       std::size_t n) {
  open(track, now, label(ops, n), n < ops.size() ? ops[n] : TraceSpan::kNoOperation);
}

void Tracer::close(std::size_t track, std::uint64_t now) {
  Open& span = open_[track];
  if (span.open && now > span.begin) {
    timeline_.tracks[first_track_ + track].spans.push_back(
        {Cycle{span.begin}, Cycle{now}, span.name, span.op, {}, {}});
  }
  span.open = false;
}

std::string Tracer::label(const std::vector<std::uint32_t>& ops, std::size_t n) const {
  if (n >= ops.size() || ops[n] >= job_.op_layer.size() ||
      job_.op_layer[ops[n]] >= job_.layer_name.size()) {
    return "work";
  }
  return job_.layer_name[job_.op_layer[ops[n]]];
}

void Tracer::begin_step() {
  std::fill(kernels_begun_.begin(), kernels_begun_.end(), 0);
  jobs_begun_ = 0;
  timeline_.op_done.emplace_back(job_.op_unit.size(), Cycle{0});
}

void Tracer::end_step(std::uint64_t now) {
  for (std::size_t track = 0; track < open_.size(); ++track) {
    close(track, now);
  }
}

void Tracer::begin_op(unsigned hart, std::uint32_t op, std::uint64_t now) {
  const std::string name = label({op}, 0);
  if (!open_[hart].open || open_[hart].name != name) {
    open(hart, now, name);
  }
}

void Tracer::kernel_begins(unsigned hart, std::uint64_t now) {
  open_work(hart, now, kernels_, kernels_begun_[hart]++);
}

void Tracer::kernel_ends(unsigned hart, std::uint64_t now) {
  done(kernels_, kernels_begun_[hart], now);
  close(hart, now);
}

void Tracer::done(const std::vector<std::uint32_t>& ops, std::size_t n, std::uint64_t now) {
  if (n > 0 && n <= ops.size() && !timeline_.op_done.empty()) {
    Cycle& when = timeline_.op_done.back()[ops[n - 1]];
    when = std::max(when, Cycle{now});
  }
}

void Tracer::job_triggered(std::uint64_t now) {
  if (jobs_waiting_++ == 0) {
    open_work(harts_ + kRedmule, now, jobs_, jobs_begun_++);
  }
}

void Tracer::job_done(std::uint64_t now) {
  done(jobs_, jobs_begun_, now);
  close(harts_ + kRedmule, now);
  jobs_waiting_ -= jobs_waiting_ > 0 ? 1 : 0;
  if (jobs_waiting_ > 0) {
    open_work(harts_ + kRedmule, now, jobs_, jobs_begun_++);
  }
}

void Tracer::transfer(const DmaRecord& record) {
  TraceTransfer drawn{record.launched, record.done, record.l1, record.bytes, record.to_l1};
  auto& spans = timeline_.tracks[first_track_ + harts_ + (record.to_l1 ? kDmaIn : kDmaOut)].spans;
  // Transfers queue up behind each other: one begins to move when the one before is done.
  const Cycle begin = spans.empty() ? record.launched : std::max(record.launched, spans.back().end);
  if (record.done > begin) {
    drawn.span = spans.size();
    spans.push_back({begin,
                     record.done,
                     std::to_string(record.bytes) + " bytes",
                     TraceSpan::kNoOperation,
                     {},
                     {}});
  }
  timeline_.transfers.push_back(drawn);
}

void Tracer::soc_dma(bool working, std::uint32_t completed, std::uint64_t now) {
  const std::size_t track = harts_ + kSocDma;
  if (!working || completed != soc_completed_) {
    close(track, now);
  }
  if (working && !open_[track].open) {
    open(track, now, "transfer");
  }
  soc_completed_ = completed;
}

void Tracer::set(const std::string& name, Cycle when, double value) {
  const auto [place, is_new] = counter_of_.try_emplace(name, timeline_.counters.size());
  if (is_new) {
    const bool of_cores = name.starts_with("cores ");
    timeline_.counters.push_back({name, of_cores ? "cores" : "share", {}});
  }
  auto& values = timeline_.counters[place->second].values;
  if (!values.empty() && values.back().first == when) {
    values.back().second = value;
  } else if (values.empty() ? value != 0 : values.back().second != value) {
    values.emplace_back(when, value);
  }
}

void Tracer::sample(const Accounting& books, Snapshot at) {
  if (at.when == sampled_.when) {
    return;
  }
  const double cycles = static_cast<double>((at.when - sampled_.when).raw());
  const auto stalls = books.stalls(sampled_, at);
  for (const auto& [name, stalled] : stalls) {
    set(name, sampled_.when, static_cast<double>(stalled) / cycles);
  }
  for (const auto& [name, place] : counter_of_) {
    if (!stalls.contains(name)) {
      set(name, sampled_.when, 0);
    }
  }
  sampled_ = std::move(at);
}

void Tracer::end_samples() {
  for (const auto& [name, place] : counter_of_) {
    set(name, sampled_.when, 0);
  }
}

}  // namespace etude
