// SPDX-License-Identifier: Apache-2.0
#include "sim/check/engines.h"

#include <algorithm>
#include <utility>

#include "models/base/pulp_map_regs.h"
#include "models/redmule/redmule_regs.h"

namespace etude::check {

Engines::Engines(Platform& platform, Memory& memory, Findings& findings, Context context,
                 std::vector<Thread>& threads)
    : platform_(platform),
      memory_(memory),
      findings_(findings),
      context_(std::move(context)),
      threads_(threads),
      is_idma_(platform.config().cluster.dma.engine == DmaConfig::Engine::kIdma) {}

const Work& Engines::work(Stamp by) const {
  const unsigned lane = thread_of(by);
  const std::uint32_t clock = clock_of(by);
  return works_[lane][lane == kRedmuleLane ? (clock + 1) / 2 - 1 : clock - 1];
}

void Engines::fault(const RegisterAccess& access, const std::string& where, const std::string& text,
                    Kind kind) {
  const Findings::Key key{access.pc, 2, 0};
  if (findings_.again(kind, key, Severity::kError, 0, 0, access.cycle) != nullptr) {
    return;
  }
  Finding finding{kind, Severity::kError, where};
  finding.cycle = finding.event = access.cycle;
  finding.text = text;
  finding.parties.push_back(context_.party(threads_[access.hart].now(access.pc), access.write, 0));
  findings_.add(key, std::move(finding));
}

// The canonical addresses of a footprint. False: it is not in L1 or L2, or not wholly.
bool Engines::place(const RegisterAccess& access, const char* what, Rows& rows, bool write) {
  if (rows.rows > 1 && static_cast<std::int32_t>(rows.pitch) < 0) {  // from the last row up
    rows.address += (rows.rows - 1) * rows.pitch;
    rows.pitch = -rows.pitch;
  }
  const Routed routed = platform_.map().route(rows.address);
  const bool l1 = routed.route == Route::kTcdm;
  if (!l1 && routed.route != Route::kExternal) {
    return false;
  }
  const std::uint64_t size = l1 ? platform_.tcdm().size() : platform_.config().l2.size.raw();
  rows.address = (l1 ? ETUDE_L1_BASE : ETUDE_L2_BASE) + routed.offset;
  if (routed.offset + (rows.end() - rows.address) > size) {
    fault(access, l1 ? "the end of L1" : "the end of L2",
          std::string(what) + (write ? " is stored past it" : " is read past it"), Kind::kBounds);
    if (write) {
      memory_.define(rows.address, static_cast<std::uint32_t>(size - routed.offset));
    }
    return false;
  }
  return true;
}

void Engines::book(const RegisterAccess& access, const char* what, Thread& thread, Rows rows,
                   bool write) {
  if (rows.bytes() == 0 || !place(access, what, rows, write)) {
    return;
  }
  memory_.footprint(thread, access.pc, access.cycle, rows, write);
  if (context_.posted) {
    context_.posted(thread, access.hart, access.pc, access.cycle, rows, write);
  }
}

// New work of an engine, as a thread that knows what its poster has done.
Thread Engines::begin(unsigned lane, std::uint32_t clock, const RegisterAccess& access, Work work) {
  Thread& poster = threads_[access.hart];
  Thread thread{poster.order, lane, clock};
  work.by = access.hart;
  work.pc = access.pc;
  work.posted = access.cycle;
  works_[lane].push_back(std::move(work));
  poster.tick();
  return thread;
}

void Engines::move(unsigned lane, std::uint32_t id, const RegisterAccess& access,
                   const std::vector<Rows>& from, const std::vector<Rows>& to) {
  const auto clock = static_cast<std::uint32_t>(works_[lane].size() + 1);
  const std::uint32_t number =
      lane == kSocDmaLane ? static_cast<std::uint32_t>(works_[lane].size()) : transfers_++;
  Thread thread = begin(lane, clock, access, {0, 0, number, id, 0, {}});
  if (lane == kSocDmaLane) {
    thread.order.acquire(lane, clock - 1);  // it moves its transfers one after the other
  }
  for (const Rows& rows : from) {
    book(access, "the source", thread, rows, false);
  }
  for (const Rows& rows : to) {
    book(access, "the destination", thread, rows, true);
  }
}

void Engines::transfer_done(const DmaRecord& record) {
  const unsigned lane = is_idma_ ? kDmaLane : kDmaLane + record.id % kDmaIds;
  done_[lane] = std::min(done_[lane] + 1, static_cast<std::uint32_t>(works_[lane].size()));
}

void Engines::noticed(unsigned hart, std::uint32_t bits) {
  Order& order = threads_[hart].order;
  if ((bits >> ETUDE_EVENT_DMA & 1) != 0) {
    for (unsigned lane = kDmaLane; lane < kDmaLane + kDmaIds; ++lane) {
      order.acquire(lane, done_[lane]);
    }
  }
  if ((bits >> ETUDE_EVENT_ACC0 & 1) != 0 && jobs_done_ != 0) {
    jobs_over(hart, 2 * jobs_done_ - 1);
  }
  if ((bits >> ETUDE_EVENT_SOC & 1) != 0) {
    done_[kSocDmaLane] = platform_.soc_dma().completed();
    order.acquire(kSocDmaLane, done_[kSocDmaLane]);
  }
}

void Engines::soc_dma(const RegisterAccess& access) {
  if (access.write) {
    if (access.offset / 4 < soc_.size()) {
      soc_[access.offset / 4] = access.data;
    }
    return;
  }
  if (access.offset == ETUDE_SOC_DMA_DONE) {
    done_[kSocDmaLane] = access.data;
    threads_[access.hart].order.acquire(kSocDmaLane, access.data);
  } else if (access.offset == ETUDE_SOC_DMA_START) {
    // The side in L2 is dense.
    const std::uint32_t bytes = soc_[2] * soc_[4];
    std::vector<Rows> from, to;
    if (soc_[0] != ETUDE_SOC_DMA_SRC_ERASE) {
      from.push_back({soc_[0], 1, bytes, 0});
    }
    to.push_back({soc_[1], 1, bytes, 0});
    move(kSocDmaLane, access.data, access, from, to);
  }
}

void Engines::jobs_over(unsigned hart, std::uint32_t clock) {
  done_[kRedmuleLane] = std::max(done_[kRedmuleLane], clock);
  threads_[hart].order.acquire(kRedmuleLane, clock);
}

void Engines::redmule(const RegisterAccess& access) {
  const auto jobs = static_cast<std::uint32_t>(works_[kRedmuleLane].size());
  if (access.write) {
    if (access.offset == ETUDE_REDMULE_TRIGGER) {
      trigger(access);
    } else if (access.offset == ETUDE_REDMULE_SOFT_CLEAR) {
      job_ = {};
      context_number_ = 0;
      cleared_at_ = jobs_done_ = jobs;
      events_ = 0;
    } else if (access.offset >= ETUDE_REDMULE_X_PTR && access.offset <= ETUDE_REDMULE_ARITH) {
      job_[context_number_][(access.offset - ETUDE_REDMULE_X_PTR) / 4] = access.data;
    }
    return;
  }
  if (access.offset == ETUDE_REDMULE_STATUS) {
    const std::uint32_t busy = (access.data & 1) + (access.data >> 8 & 1);
    if (jobs > busy) {
      jobs_over(access.hart, 2 * (jobs - busy));
    }
  } else if (access.offset == ETUDE_REDMULE_RUNNING_JOB) {
    const std::uint32_t known = jobs_done_ - cleared_at_;
    const std::uint32_t finished = known + ((access.data - known) & 0xFF);
    jobs_done_ = std::min(jobs, cleared_at_ + finished);
    if (jobs_done_ != 0) {
      jobs_over(access.hart, 2 * jobs_done_ - 1);
    }
  }
}

void Engines::trigger(const RegisterAccess& access) {
  const auto& job = job_[context_number_];
  context_number_ ^= 1;
  const std::uint32_t m = job[3] & 0xFFFF, k = job[3] >> 16, n = job[4];
  const std::uint32_t operation = job[5] >> ETUDE_REDMULE_OP_SHIFT & 7;
  const std::uint32_t format = job[5] >> ETUDE_REDMULE_FMT_SHIFT & 7;
  const std::uint32_t element =
      format == ETUDE_REDMULE_FMT_FP32                                        ? 4
      : format == ETUDE_REDMULE_FMT_FP8 || format == ETUDE_REDMULE_FMT_FP8ALT ? 1
                                                                              : 2;
  // The array stores whole blocks of rows.
  const std::uint32_t block = platform_.redmule().config().width;
  const std::uint32_t stored = (m + block - 1) / block * block;
  Rows x{job[0], 1, m * n * element, 0}, w{job[1], 1, n * k * element, 0};
  Rows y{job[2], 1, m * k * element, 0}, z{job[2], 1, stored * k * element, 0};
  const auto number = static_cast<std::uint32_t>(works_[kRedmuleLane].size());
  Thread thread = begin(kRedmuleLane, 2 * number + 1, access, {0, 0, number, number, 0, {x, w, z}});
  thread.order.acquire(kRedmuleLane, 2 * number);  // jobs of one engine come one after the other
  book(access, "X", thread, x, false);
  book(access, "W", thread, w, false);
  if (operation != ETUDE_REDMULE_OP_MATMUL && place(access, "Y", y, false)) {
    memory_.look(thread, access.pc, access.cycle, y);
  }
  book(access, "Z", thread, z, true);
  job_orders_.push_back(thread.order);
}

void Engines::stored_late(const WideRequest& beat, std::uint64_t cycle) {
  const std::uint32_t job = cleared_at_ + events_ + (platform_.redmule().has_done_event() ? 1 : 0);
  if (job == 0 || job > works_[kRedmuleLane].size()) {
    return;
  }
  const Work& work = works_[kRedmuleLane][job - 1];
  Thread thread{job_orders_[job - 1], kRedmuleLane, 2 * job};
  thread.order.acquire(kRedmuleLane, 2 * job - 1);
  for (std::uint32_t b = 0; b < beat.bytes; b += 4) {
    const auto mask = static_cast<std::uint8_t>(beat.byte_enable[b / 64] >> (b % 64) & 15);
    const Routed routed = platform_.map().route(beat.address + b);
    if (mask != 0 && routed.route == Route::kTcdm) {
      memory_.late_store(thread, work.pc, cycle, ETUDE_L1_BASE + routed.offset, mask);
    }
  }
}

}  // namespace etude::check
