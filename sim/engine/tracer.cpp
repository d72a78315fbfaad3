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

void Tracer::open(std::size_t track, std::uint64_t now, std::string name) {
  close(track, now);
  open_[track] = {true, now, std::move(name)};
}

void Tracer::close(std::size_t track, std::uint64_t now) {
  Open& span = open_[track];
  if (span.open && now > span.begin) {
    timeline_.tracks[first_track_ + track].spans.push_back(
        {Cycle{span.begin}, Cycle{now}, span.name});
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
  open(hart, now, label(kernels_, kernels_begun_[hart]++));
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
    open(harts_ + kRedmule, now, label(jobs_, jobs_begun_++));
  }
}

void Tracer::job_done(std::uint64_t now) {
  done(jobs_, jobs_begun_, now);
  close(harts_ + kRedmule, now);
  jobs_waiting_ -= jobs_waiting_ > 0 ? 1 : 0;
  if (jobs_waiting_ > 0) {
    open(harts_ + kRedmule, now, label(jobs_, jobs_begun_++));
  }
}

void Tracer::transfer(const DmaRecord& record) {
  timeline_.transfers.push_back({record.launched, record.done, record.l1, record.bytes});
  auto& spans = timeline_.tracks[first_track_ + harts_ + (record.to_l1 ? kDmaIn : kDmaOut)].spans;
  // Transfers queue up behind each other: one begins to move when the one before is done.
  const Cycle begin = spans.empty() ? record.launched : std::max(record.launched, spans.back().end);
  if (record.done > begin) {
    spans.push_back({begin, record.done, std::to_string(record.bytes) + " bytes"});
  }
}

void Tracer::soc_dma(bool working, std::uint64_t now) {
  const std::size_t track = harts_ + kSocDma;
  if (working && !open_[track].open) {
    open(track, now, "transfer");
  } else if (!working) {
    close(track, now);
  }
}

}  // namespace etude
