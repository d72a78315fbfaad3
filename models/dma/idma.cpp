// SPDX-License-Identifier: Apache-2.0
#include "models/dma/idma.h"

#include <algorithm>
#include <bit>

#include "models/base/error.h"
#include "models/dma/idma_regs.h"

namespace etude {

Idma::Idma(const sc_core::sc_module_name& name, const DmaConfig& config, unsigned cores,
           AxiPort& axi)
    : ClusterDma(name), config_(config), cores_(cores), backend_(axi) {
  check_range(DmaConfig::kQueue, config.queue, "/platform/cluster/dma/queue");
  check_range(kHarts, cores, "/platform/cluster/cores: harts of the DMA");
}

void Idma::reset() {
  backend_.reset();
  registers_.fill(Registers{});
  readers_ = 0;
  turn_ = 0;
  launched_ = kNever.raw();
  next_id_ = 2;
  done_id_ = 1;
  event_ = false;
  last_commit_ = 0;
  moved_ = false;
  woken_ = kNever.raw();
  waiting_for_ = DmaBooks::Use::kIdle;
  books_ = DmaBooks{};
  fault_ = DmaFault{};
  forget_records();
  next_ = kNever.raw();
}

void Idma::fault(unsigned core, const char* what) {
  if (!fault_.happened) {
    fault_ = {true, core, what};
  }
}

DmaFault Idma::take_fault() {
  const DmaFault taken = fault_;
  fault_ = DmaFault{};
  return taken;
}

// The front end's arbiter is a tree of the same kind as the interconnect's.
unsigned Idma::pick(std::uint32_t requests, unsigned turn) {
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

DmaReply Idma::access(unsigned core, std::uint32_t offset, bool write, std::uint32_t wdata,
                      Cycle now) {
  offset &= 0x3FC;
  if (!write) {
    return offset == ETUDE_IDMA_NEXT_ID ? launch(core, now.raw()) : read(core, offset);
  }
  Registers& r = registers_[core];
  switch (offset) {
    case ETUDE_IDMA_SRC:
      r.transfer.source = wdata;
      break;
    case ETUDE_IDMA_DST:
      r.transfer.target = wdata;
      break;
    case ETUDE_IDMA_NUM_BYTES:
      r.transfer.bytes = wdata;
      break;
    case ETUDE_IDMA_CONF:
      r.rows = (wdata & ETUDE_IDMA_CONF_2D) != 0;
      break;
    case ETUDE_IDMA_STRIDE_SRC:
      r.transfer.source_stride = wdata;
      break;
    case ETUDE_IDMA_STRIDE_DST:
      r.transfer.target_stride = wdata;
      break;
    case ETUDE_IDMA_REPS:
      r.reps = wdata;
      break;
    default:
      fault(core, "a register that the DMA does not have, or does not let write, was written");
      break;
  }
  return {true, 0};
}

DmaReply Idma::read(unsigned core, std::uint32_t offset) const {
  const Registers& r = registers_[core];
  switch (offset) {
    case ETUDE_IDMA_SRC:
      return {true, r.transfer.source};
    case ETUDE_IDMA_DST:
      return {true, r.transfer.target};
    case ETUDE_IDMA_NUM_BYTES:
      return {true, r.transfer.bytes};
    case ETUDE_IDMA_CONF:
      return {true, r.rows ? ETUDE_IDMA_CONF_2D : 0};
    case ETUDE_IDMA_STRIDE_SRC:
      return {true, r.transfer.source_stride};
    case ETUDE_IDMA_STRIDE_DST:
      return {true, r.transfer.target_stride};
    case ETUDE_IDMA_REPS:
      return {true, r.reps};
    case ETUDE_IDMA_STATUS:
      return {true, backend_.idle() ? 0u : 1u};
    case ETUDE_IDMA_DONE:
      return {true, done_id_};
    default:
      return {true, 0};
  }
}

DmaReply Idma::launch(unsigned core, Cycle::rep now) {
  const Registers& r = registers_[core];
  if (r.transfer.bytes == 0 || (r.rows && r.reps == 0)) {
    fault(core, "a transfer of no bytes was launched: the DMA ignores it");
    return {true, 0};
  }
  if (launched_ == now || backend_.queued() >= config_.queue) {
    return {};
  }
  std::uint32_t readers = 1u << core;
  for (std::uint32_t left = readers_; left != 0; left &= left - 1) {
    const Registers& other = registers_[std::countr_zero(left)];
    if (other.transfer.bytes != 0 && (!other.rows || other.reps != 0)) {
      readers |= left & (~left + 1);
    }
  }
  if (pick(readers, turn_) != core) {
    return {};
  }
  const std::uint32_t above = readers & ~((2u << turn_) - 1);
  turn_ = static_cast<unsigned>(std::countr_zero(above != 0 ? above : readers));
  readers_ = 0;
  launched_ = now;
  IdmaTransfer t = r.transfer;
  t.rows = r.rows ? r.reps : 1;
  t.core = static_cast<std::uint8_t>(core);
  t.id = next_id_++;
  t.launched = now;
  backend_.enqueue(t, now);
  next_ = woken_ = now;
  return {true, t.id};
}

void Idma::commit(Cycle now_cycle, std::uint32_t granted,
                  const std::array<std::uint32_t, kPorts>& rdata) {
  using Use = DmaBooks::Use;
  const Cycle::rep now = now_cycle.raw();
  readers_ = 0;
  const bool woken = woken_ != kNever.raw();
  woken_ = kNever.raw();
  event_ = false;
  if (backend_.idle()) {
    last_commit_ = now;
    moved_ = false;
    waiting_for_ = Use::kIdle;
    next_ = kNever.raw();
    return;
  }
  const IdmaWork work = backend_.commit(now, granted, rdata);
  if (work.complete) {
    const IdmaTransfer& t = backend_.oldest();
    const bool to_l1 = IdmaBackend::in_l1(t.target);
    add_record({t.core, t.id, to_l1, t.bytes * t.rows, to_l1 ? t.target : t.source,
                to_l1 ? t.source : t.target, Cycle{t.launched}, now_cycle});
    backend_.retire();
    done_id_ = t.id;
    ++books_.transfers;
    event_ = true;
  }
  if (waiting_for_ != Use::kIdle && now > last_commit_ + 1) {
    books_.count(waiting_for_, now - last_commit_ - 1);
  }
  const Use wait = backend_.idle()               ? Use::kIdle
                   : backend_.waits_for_memory() ? Use::kL2Wait
                                                 : Use::kQueue;
  books_.count(work.data ? Use::kBusy : work.refused ? Use::kTcdmConflict : wait, 1);
  waiting_for_ = wait;
  moved_ = work.moved || woken;
  last_commit_ = now;
  next_ = backend_.idle() ? kNever.raw() : moved_ ? now + 1 : backend_.timed();
}

std::uint32_t Idma::take_events(Cycle now) {
  // The pulse is in the cycle of completion and goes to every core.
  const bool pulse = event_ && last_commit_ == now.raw();
  event_ = false;
  return pulse ? (1u << cores_) - 1 : 0;
}

void Idma::visit_counters(const CounterVisitor& visit) const {
  const IdmaBackend::Counters& c = backend_.counters();
  books_.bytes_in.value = c.bytes_in;
  books_.bytes_out.value = c.bytes_out;
  books_.bursts_read.value = c.bursts_read;
  books_.bursts_write.value = c.bursts_write;
  books_.tcdm_reads.value = c.tcdm_reads;
  books_.tcdm_writes.value = c.tcdm_writes;
  books_.visit(visit);
}

}  // namespace etude
