// SPDX-License-Identifier: Apache-2.0
#include "models/dma/mchan.h"

#include <algorithm>
#include <bit>

#include "models/base/error.h"
#include "models/dma/mchan_regs.h"

namespace etude {
namespace {

DmaConfig checked(const DmaConfig& config, unsigned cores) {
  check_range(DmaConfig::kBurst, static_cast<double>(config.burst.raw()),
              "/platform/cluster/dma/burst");
  check_range(DmaConfig::kOutstanding, config.outstanding, "/platform/cluster/dma/outstanding");
  check_range(DmaConfig::kQueue, config.queue, "/platform/cluster/dma/queue");
  check_range(ClusterDma::kHarts, cores, "/platform/cluster/cores: harts of the DMA");
  return config;
}

// A count or stride register holds its value minus one in 16 bits.
std::uint32_t row_field(std::uint32_t wdata) { return ((wdata - 1) & 0xFFFF) + 1; }

}  // namespace

Mchan::Mchan(const sc_core::sc_module_name& name, const DmaConfig& config, unsigned cores,
             AxiPort& axi)
    : ClusterDma(name),
      config_(checked(config, cores)),
      cores_(cores),
      read_(true, static_cast<unsigned>(config.burst.raw()), config.outstanding, axi),
      write_(false, static_cast<unsigned>(config.burst.raw()), config.outstanding, axi) {}

void Mchan::reset() {
  read_.reset();
  write_.reset();
  programmers_.fill(Programmer{});
  readers_ = 0;
  id_given_ = kNever.raw();
  id_turn_ = command_turn_ = commands_ = blocked_ = 0;
  reserved_ = running_ = completing_ = events_ = 0;
  news_ = false;
  last_commit_ = 0;
  moved_ = false;
  woken_ = kNever.raw();
  waiting_for_ = DmaBooks::Use::kIdle;
  books_ = DmaBooks{};
  fault_ = DmaFault{};
  forget_records();
  next_ = kNever.raw();
}

void Mchan::fault(unsigned core, const char* what) {
  if (!fault_.happened) {
    fault_ = {true, core, what};
  }
}

DmaFault Mchan::take_fault() {
  const DmaFault taken = fault_;
  fault_ = DmaFault{};
  return taken;
}

// A binary tree of sixteen leaves; a node with requests on both sides follows the bit of the turn
// counter that belongs to its level.
unsigned Mchan::pick(std::uint32_t requests, unsigned turn) {
  unsigned base = 0;
  for (unsigned half = 8; half != 0; half /= 2) {
    const std::uint32_t ones = (1u << half) - 1;
    const bool left = (requests >> base & ones) != 0;
    const bool right = (requests >> (base + half) & ones) != 0;
    if (!left || (right && (turn & half) != 0)) {
      base += half;
    }
  }
  return base;
}

DmaReply Mchan::access(unsigned core, std::uint32_t offset, bool write, std::uint32_t wdata,
                       Cycle now_cycle) {
  const Cycle::rep now = now_cycle.raw();
  Programmer& p = programmers_[core];
  if (p.step == Step::kBlocked || now < p.not_before) {
    return {};
  }
  if (p.step == Step::kIdle) {
    return access_idle(core, offset, write, wdata, now);
  }
  if (!write || (offset & 0xC) != ETUDE_MCHAN_CMD) {
    // The hardware forgets the sequence and serves the access afterwards.
    fault(core, "another register was accessed in the middle of programming a transfer");
    p.step = Step::kIdle;
    p.not_before = now + 1;
    return {};
  }
  return program(core, wdata, now);
}

DmaReply Mchan::access_idle(unsigned core, std::uint32_t offset, bool write, std::uint32_t wdata,
                            Cycle::rep now) {
  Programmer& p = programmers_[core];
  switch (offset & 0xF) {
    case ETUDE_MCHAN_CMD:
      return write ? program(core, wdata, now) : allocate(core, now);
    case ETUDE_MCHAN_STATUS: {
      p.not_before = now + 2;  // the answer takes the port for a cycle
      if (write) {
        reserved_ &= ~wdata;
        return {true, 0};
      }
      std::uint32_t running = running_;
      for (std::uint32_t left = completing_; left != 0; left &= left - 1) {
        const int id = std::countr_zero(left);
        if (done_[id] <= now) {
          running &= ~(1u << id);
        }
      }
      return {true, (running & 0xFFFF) | reserved_ << 16};
    }
    default:
      // The hardware never grants it: the core would hang.
      fault(core, "a register that the DMA does not have was accessed");
      return {true, 0};
  }
}

DmaReply Mchan::allocate(unsigned core, Cycle::rep now) {
  if (id_given_ == now || reserved_ == 0xFFFF) {
    return {};
  }
  std::uint32_t readers = 1u << core;
  for (std::uint32_t left = readers_; left != 0; left &= left - 1) {
    const int other = std::countr_zero(left);
    const Programmer& o = programmers_[other];
    if (o.step == Step::kIdle && o.not_before <= now) {  // a blocked core's request stays outside
      readers |= 1u << other;
    }
  }
  if (pick(readers, id_turn_) != core) {
    return {};
  }
  readers_ = 0;
  id_given_ = now;
  ++id_turn_;
  Programmer& p = programmers_[core];
  p.id = static_cast<std::uint8_t>(std::countr_one(reserved_));
  reserved_ |= 1u << p.id;
  p.step = Step::kCommand;
  return {true, p.id};
}

DmaReply Mchan::program(unsigned core, std::uint32_t wdata, Cycle::rep now) {
  Programmer& p = programmers_[core];
  MchanTransfer& t = p.transfer;
  switch (p.step) {
    case Step::kIdle:
    case Step::kCommand:
      t = MchanTransfer{};
      t.bytes = ((wdata - 1) & ETUDE_MCHAN_LEN_MASK) + 1;
      t.to_l1 = (wdata & ETUDE_MCHAN_TO_L1) != 0;
      t.increment = (wdata & ETUDE_MCHAN_INCREMENT) != 0;
      t.event = (wdata & ETUDE_MCHAN_EVENT) != 0;
      t.broadcast = (wdata & ETUDE_MCHAN_BROADCAST) != 0;
      t.ext_2d = (wdata & ETUDE_MCHAN_2D_EXT) != 0;
      t.l1_2d = (wdata & ETUDE_MCHAN_2D_L1) != 0;
      t.core = static_cast<std::uint8_t>(core);
      t.id = p.id;
      p.step = Step::kL1Address;
      return {true, 0};
    case Step::kL1Address:
      t.l1 = wdata;
      p.step = Step::kExtAddress;
      return {true, 0};
    case Step::kExtAddress:
      t.ext = wdata;
      if (t.ext_2d || t.l1_2d) {
        p.step = t.ext_2d ? Step::kExtCount : Step::kL1Count;
        return {true, 0};
      }
      p.ready = now + 1;
      break;
    case Step::kExtCount:
      t.ext_count = row_field(wdata);
      p.step = Step::kExtStride;
      return {true, 0};
    case Step::kExtStride:
      t.ext_stride = row_field(wdata);
      if (t.l1_2d) {
        p.step = Step::kL1Count;
        return {true, 0};
      }
      p.ready = now;
      break;
    case Step::kL1Count:
      t.l1_count = row_field(wdata);
      p.step = Step::kL1Stride;
      return {true, 0};
    case Step::kL1Stride:
      t.l1_stride = row_field(wdata);
      p.ready = now;
      break;
    case Step::kBlocked:
      return {};
  }
  p.step = Step::kBlocked;
  ++blocked_;
  t.launched = now;
  p.waiting = true;
  ++commands_;
  next_ = woken_ = std::min(woken_, now);  // this cycle already belongs to the transfer
  return {true, 0};
}

void Mchan::arbitrate_commands(Cycle::rep now) {
  std::uint32_t candidates = 0;
  Cycle::rep next = kNever.raw();
  for (unsigned core = 0; core < cores_; ++core) {
    const Programmer& p = programmers_[core];
    if (p.waiting) {
      if (p.ready <= now) {
        candidates |= 1u << core;
      } else {
        next = std::min(next, p.ready);
      }
    }
  }
  woken_ = next;
  if (candidates == 0) {
    return;
  }
  woken_ = now + 1;  // to serve the others, or to try again
  if (read_.queued() + write_.queued() >= config_.queue) {
    return;
  }
  Programmer& p = programmers_[pick(candidates, command_turn_++)];
  p.waiting = false;
  --commands_;
  by_id_[p.id] = p.transfer;
  running_ |= 1u << p.id;
  (p.transfer.to_l1 ? read_ : write_).enqueue(p.transfer, now);
}

std::uint32_t Mchan::requests(Cycle, Requests& out) {
  return swapped(write_.requests(out[3], out[2]) << 2 | read_.requests(out[1], out[0]));
}

void Mchan::commit(Cycle now, std::uint32_t granted,
                   const std::array<std::uint32_t, kPorts>& port_data) {
  const std::uint32_t rdata[2] = {port_data[3], port_data[2]};
  commit_lanes(now.raw(), granted, rdata);
}

void Mchan::commit_lanes(Cycle::rep now, std::uint32_t granted, const std::uint32_t* rdata) {
  readers_ = 0;
  if (!active()) {
    last_commit_ = now;
    moved_ = false;
    waiting_for_ = DmaBooks::Use::kIdle;
    find_next();
    return;
  }
  const unsigned waiting_before = commands_;
  woken_ = kNever.raw();
  if (commands_ != 0) {
    arbitrate_commands(now);
  }
  MchanWork work;
  write_.commit(now, swapped(granted) >> 2, rdata, work);
  read_.commit(now, swapped(granted) & 3, rdata, work);
  if ((work.accepted | work.finishing) != 0) {
    digest(work, now);
  }
  if (completing_ != 0) {
    complete(now);
  }
  moved_ = work.moved || commands_ != waiting_before;
  if (moved_ && work.data && waiting_for_ == DmaBooks::Use::kIdle) [[likely]] {
    ++books_.busy;
  } else {
    account(now, work);
  }
  last_commit_ = now;
  find_next();
}

void Mchan::digest(const MchanWork& work, Cycle::rep now) {
  for (std::uint32_t left = work.accepted; left != 0; left &= left - 1) {
    Programmer& p = programmers_[static_cast<unsigned>(std::countr_zero(left))];
    p.step = Step::kIdle;
    p.not_before = now + 1;
    --blocked_;
  }
  for (unsigned i = 0; i < work.finishing; ++i) {
    completing_ |= 1u << work.finished[i].id;
    done_[work.finished[i].id] = work.finished[i].done;
  }
}

void Mchan::complete(Cycle::rep now) {
  for (std::uint32_t left = completing_; left != 0; left &= left - 1) {
    const int id = std::countr_zero(left);
    if (done_[id] <= now) {
      completing_ &= ~(1u << id);
      running_ &= ~(1u << id);
      events_ |= 1u << id;
      news_ = true;
      ++books_.transfers;
      const MchanTransfer& t = by_id_[id];
      add_record(
          {t.core, t.id, t.to_l1, t.bytes, t.l1, t.ext, Cycle{t.launched}, Cycle{done_[id]}});
    }
  }
}

void Mchan::account(Cycle::rep now, const MchanWork& work) {
  using Use = DmaBooks::Use;
  if (waiting_for_ != Use::kIdle && now > last_commit_ + 1) {
    books_.count(waiting_for_, now - last_commit_ - 1);
  }
  if (moved_ && work.data) {
    // The next cycle is looked at too: nobody asks what is waited for meanwhile.
    ++books_.busy;
    waiting_for_ = Use::kIdle;
    return;
  }
  const bool memory = completing_ != 0 || read_.waits_for_memory() || write_.waits_for_memory();
  const Use wait = !active() ? Use::kIdle : memory ? Use::kL2Wait : Use::kQueue;
  books_.count(work.data ? Use::kBusy : work.refused ? Use::kTcdmConflict : wait, 1);
  waiting_for_ = wait;
}

std::uint32_t Mchan::take_events(Cycle now) {
  if (events_ == 0) {
    return 0;
  }
  // One completion per cycle is signalled, the highest id first.
  std::uint32_t due = 0;
  for (std::uint32_t left = events_; left != 0; left &= left - 1) {
    const int id = std::countr_zero(left);
    if (done_[id] < now.raw()) {
      due = 1u << id;
    }
  }
  if (due == 0) {
    return 0;
  }
  events_ &= ~due;
  news_ = events_ != 0;
  find_next();
  const MchanTransfer& t = by_id_[std::countr_zero(due)];
  return !t.event ? 0 : t.broadcast ? (1u << cores_) - 1 : 1u << t.core;
}

void Mchan::find_next() {
  if (moved_) {
    next_ = last_commit_ + 1;
    return;
  }
  Cycle::rep next = std::min({woken_, read_.timed(), write_.timed()});
  for (std::uint32_t left = completing_; left != 0; left &= left - 1) {
    next = std::min(next, done_[std::countr_zero(left)]);
  }
  for (std::uint32_t left = events_; left != 0; left &= left - 1) {
    next = std::min(next, std::max(done_[std::countr_zero(left)], last_commit_) + 1);
  }
  next_ = next;
}

void Mchan::visit_counters(const CounterVisitor& visit) const {
  books_.bytes_in.value = read_.counters().bytes;
  books_.bytes_out.value = write_.counters().bytes;
  books_.bursts_read.value = read_.counters().bursts;
  books_.bursts_write.value = write_.counters().bursts;
  books_.tcdm_writes.value = read_.counters().words;
  books_.tcdm_reads.value = write_.counters().words;
  books_.visit(visit);
}

}  // namespace etude
