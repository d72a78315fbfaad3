// SPDX-License-Identifier: Apache-2.0
// The simulator port and the account of steps, operations and probes.
#include <algorithm>

#include "models/base/error.h"
#include "models/base/sim_port_regs.h"
#include "sim/engine/engine.h"
#include "sim/engine/thread_seconds.h"

namespace etude {

void Engine::serve_sim_port(unsigned hart) {
  const DataAccess& access = platform_.core(hart).access();
  const Job* job = options_.job;
  std::uint32_t rdata = 0;
  switch (slot_[hart].offset) {
    case ETUDE_SIM_NEXT_STEP:
      // A step's border is clean: it is passed when all other harts sleep in the event unit, so
      // that every hart's cycles fall on one side of it.
      if (!others_asleep(hart)) {
        agenda_.move(hart, now_ + 1);
        return;
      }
      if (job != nullptr && step_ < job->steps && !stopped_) {
        if (step_ > 0 && job->before_step) {
          const Outside outside(outside_seconds_);
          load(job->before_step(step_));
        }
        next_probe_ = 0;
        books_.begin_step(snapshot());
        if (tracer_) {
          tracer_->begin_step();
          if (tracer_->samples()) {
            tracer_->begin_samples(snapshot());
          }
        }
        rdata = 1;
      }
      break;
    case ETUDE_SIM_OP_BEGIN:
      begin_op(hart, access.wdata);
      break;
    case ETUDE_SIM_STEP_END:
      if (!others_asleep(hart)) {
        agenda_.move(hart, now_ + 1);
        return;
      }
      books_.end_step(snapshot());
      if (tracer_) {
        tracer_->end_step(now_);
        if (tracer_->samples()) {
          tracer_->sample(books_, snapshot());
          tracer_->end_samples();
        }
      }
      if (job != nullptr) {
        after_step(*job);
      }
      ++step_;
      break;
    case ETUDE_SIM_ERROR:
      fail(hart, "the runtime gives up with code " + std::to_string(access.wdata));
    default:
      fail(hart,
           "the simulator port has no register at offset " + std::to_string(slot_[hart].offset));
  }
  answer(hart, now_, now_ + 1, rdata, StallReason::kPeripheral);
}

void Engine::begin_op(unsigned hart, std::uint32_t op) {
  const Job* job = options_.job;
  if (job == nullptr || op >= job->op_layer.size()) {
    throw ProgramError("the program starts operation " + std::to_string(op) +
                       ", which its task list does not have");
  }
  settle_cores();
  if (books_.goes_on(job->op_layer[op])) {
    books_.begin_op_of_layer(op, Cycle{now_});
  } else {
    books_.begin_op(op, job->op_layer[op], snapshot());
  }
  if (tracer_) {
    tracer_->begin_op(hart, op, now_);
    if (tracer_->samples()) {
      tracer_->sample(books_, snapshot());
    }
  }
  if (next_probe_ < probe_order_.size() && job->probes[probe_order_[next_probe_]].op <= op) {
    call_probes(op);
  }
}

void Engine::after_step(const Job& job) {
  const Outside outside(outside_seconds_);
  if (job.after_step) {
    job.after_step(step_, [this](Address address, Bytes bytes) {
      return platform_.read_memory(address, bytes);
    });
  }
  stopped_ = job.stop_after && job.stop_after(step_);
}

// The probes up to operation `op`.
void Engine::call_probes(std::uint32_t op) {
  const Outside outside(outside_seconds_);
  const Job* job = options_.job;
  for (; next_probe_ < probe_order_.size() && job->probes[probe_order_[next_probe_]].op <= op;
       ++next_probe_) {
    const Probe& probe = job->probes[probe_order_[next_probe_]];
    std::vector<std::uint8_t> bytes;
    for (std::uint32_t row = 0; row < probe.rows; ++row) {
      const Address at{probe.address.raw() + row * static_cast<std::uint32_t>(probe.pitch.raw())};
      const auto part = platform_.read_memory(at, probe.row_bytes);
      bytes.insert(bytes.end(), part.begin(), part.end());
    }
    job->on_probe(step_, probe, bytes);
  }
}

// Brings every core that is on its own to its next shared access, wherever the engine that drives
// it had let it go, so that a cut inside a step gives the same numbers in both.
void Engine::settle_cores() {
  for (unsigned h = 0; h < harts_; ++h) {
    if (slot_[h].wait == CoreWait::kLimit && !platform_.core(h).interrupts_possible()) {
      agenda_.move(h, resume(h, now_ + 1, (now_ / kHorizon + 1) * kHorizon));
    }
  }
}

void Engine::load(const std::vector<MemoryImage>& images) {
  for (const MemoryImage& image : images) {
    platform_.write_memory(image.base, image.bytes);
  }
}

bool Engine::others_asleep(unsigned hart) const {
  for (unsigned h = 0; h < harts_; ++h) {
    const Slot& slot = slot_[h];
    const bool waits = slot.wait == CoreWait::kData && slot.route == Route::kEventUnit &&
                       slot.posted && platform_.core(h).access().blocking;
    if (h != hart && !waits && slot.wait != CoreWait::kSleep) {
      return false;
    }
  }
  return true;
}

// The reason that the answer will give for the wait that `hart` is in: a cut in the middle must
// book its first part as the end will book the whole.
StallReason Engine::reason_of_wait(unsigned hart) const {
  const Slot& slot = slot_[hart];
  switch (slot.wait) {
    case CoreWait::kSleep:
      return StallReason::kSleep;
    case CoreWait::kFetch:
    case CoreWait::kLine:
      return StallReason::kIcacheMiss;
    case CoreWait::kFpu:
      return StallReason::kSharedFpu;
    default:
      break;
  }
  switch (slot.route) {
    case Route::kTcdm:
      return StallReason::kTcdmConflict;
    case Route::kDmaControl:
      return StallReason::kDmaProgram;
    case Route::kExternal:
    case Route::kFlat:
      return StallReason::kL2Access;
    case Route::kEventUnit:
      return platform_.core(hart).access().blocking ? StallReason::kEventWait
                                                    : StallReason::kPeripheral;
    default:
      return StallReason::kPeripheral;
  }
}

// What the harts did since their observers were last told, and the waits that the end cuts off.
void Engine::tell_ends() {
  for (unsigned h = 0; h < harts_ && h < options_.observers.size(); ++h) {
    const Core& core = platform_.core(h);
    options_.observers[h]->booked(core);
    std::uint64_t told = core.busy_cycles();
    for (unsigned r = 0; r < kStallReasons; ++r) {
      told += core.stall_cycles(static_cast<StallReason>(r));
    }
    if (told < now_) {
      options_.observers[h]->waited(reason_of_wait(h), now_ - told);
    }
    options_.observers[h]->ended(core);
  }
}

// Everything as of the current cycle. A hart that waits for an answer has not booked the wait yet;
// it is added here, so that busy + stalls is the time since reset wherever the cut falls in a wait.
Snapshot Engine::snapshot() {
  Snapshot at;
  at.when = Cycle{now_};
  for (unsigned h = 0; h < harts_; ++h) {
    const Core& core = platform_.core(h);
    HartCycles hart;
    hart.busy = core.busy_cycles();
    for (unsigned r = 0; r < kStallReasons; ++r) {
      hart.stalls[r] = core.stall_cycles(static_cast<StallReason>(r));
    }
    hart.instructions = core.instructions();
    std::uint64_t booked = hart.busy;
    for (const std::uint64_t cycles : hart.stalls) {
      booked += cycles;
    }
    if (booked < now_) {
      hart.stalls[static_cast<unsigned>(reason_of_wait(h))] += now_ - booked;
    }
    at.harts.push_back(hart);
  }
  at.counters = books_.counters();
  return at;
}

}  // namespace etude
