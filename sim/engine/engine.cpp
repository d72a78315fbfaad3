// SPDX-License-Identifier: Apache-2.0
// The cycle loop. What each route does with an access is in engine_access.cpp, the account of steps
// in engine_steps.cpp.
#include "sim/engine/engine.h"

#include <algorithm>
#include <bit>
#include <ctime>
#include <numeric>

#include "models/base/error.h"

namespace etude {
namespace {

// Seconds that this host thread has worked: what other programs take on a shared machine is not
// counted.
double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

Engine::Engine(const sc_core::sc_module_name& name, Platform& platform,
               const EngineOptions& options)
    : sc_module(name), platform_(platform), options_(options), harts_(platform.harts()) {
  std::fill(std::begin(when_), std::end(when_), kNone);
  std::fill(std::begin(due_), std::end(due_), kNone);
  platform_.visit_components(
      [this](const std::string& component, auto&& visit) { books_.add(component, visit); });
  books_.set_harts(platform_.hart_names());
  if (options_.job != nullptr) {
    const std::vector<Probe>& probes = options_.job->probes;
    probe_order_.resize(probes.size());
    std::iota(probe_order_.begin(), probe_order_.end(), 0u);
    std::stable_sort(probe_order_.begin(), probe_order_.end(),
                     [&](auto a, auto b) { return probes[a].op < probes[b].op; });
    if (options_.timeline != nullptr) {
      tracer_.emplace(*options_.job, platform_.hart_names(), *options_.timeline);
    }
  }
  SC_HAS_PROCESS(Engine);
  SC_THREAD(process);
}

RunRecord Engine::run(Address entry) {
  for (unsigned h = 0; h < harts_; ++h) {
    platform_.core(h).reset(entry.raw(), Cycle{0});
    slot_[h] = Slot{};
    when_[h] = 0;
  }
  const double start = thread_seconds();
  sc_core::sc_start();
  record_.engine_seconds = thread_seconds() - start;
  if (failure_) {
    std::rethrow_exception(failure_);
  }
  record_.cycles = Cycle{now_};
  record_.stepped_cycles = stepped_;
  books_.finish(snapshot(), record_);
  platform_.collect_warnings(record_.warnings);
  return std::move(record_);
}

void Engine::process() {
  // An exception must not cross SystemC's scheduler.
  try {
    if (options_.lockstep) {
      loop<true>();
    } else {
      loop<false>();
    }
  } catch (...) {
    failure_ = std::current_exception();
  }
  sc_core::sc_stop();
}

template <bool kLockstep>
void Engine::loop() {
  HciRequests requests;
  const unsigned dma_port = harts_ + Platform::kExtPorts;
  std::uint64_t last_arbitrated = 0;
  while (true) {
    ++stepped_;
    answered_ = 0;
    // Cores that have work of their own go on until they need something shared.
    for (unsigned h = 0; h < harts_; ++h) {
      if (when_[h] == now_ && slot_[h].wait == CoreWait::kFetch) {
        post_fetch(h);
      }
      if (when_[h] == now_ && slot_[h].wait == CoreWait::kLimit) {
        resume<kLockstep>(h, now_);
      }
    }
    // All requests of this cycle ...
    std::uint32_t banked = 0;
    std::uint32_t other = 0;
    for (unsigned h = 0; h < harts_; ++h) {
      if (when_[h] == now_) {
        const Slot& slot = slot_[h];
        if (slot.wait == CoreWait::kData && slot.route == Route::kTcdm) {
          banked |= 1u << h;
          requests.bank[h] = static_cast<std::uint8_t>(platform_.tcdm_bank(slot.offset));
        } else {
          other |= 1u << h;
        }
      }
    }
    requests.mask = banked;
    // The DMA's control port comes first: what it takes in this cycle counts in this cycle.
    for (std::uint32_t left = other; left != 0; left &= left - 1) {
      const unsigned h = static_cast<unsigned>(std::countr_zero(left));
      if (slot_[h].wait == CoreWait::kData && slot_[h].route == Route::kDmaControl) {
        serve_dma_control(h);
        other &= ~(1u << h);
      }
    }
    dma_stepped_ = due(Platform::kDma);
    std::uint32_t dma_mask = 0;
    if (dma_stepped_) {
      dma_mask = platform_.dma().requests(Cycle{now_}, dma_requests_);
      for (std::uint32_t left = dma_mask; left != 0; left &= left - 1) {
        const unsigned p = static_cast<unsigned>(std::countr_zero(left));
        requests.bank[dma_port + p] =
            static_cast<std::uint8_t>(platform_.tcdm_bank(dma_requests_[p].address));
      }
      requests.mask |= dma_mask << dma_port;
    }
    const WideRequest* wide = nullptr;
    requests.wide = false;
    redmule_may_be_done_ = due(Platform::kRedmule);
    if (redmule_may_be_done_) {
      wide = &platform_.redmule().request(Cycle{now_});
      requests.wide = wide->valid;
    }
    // ... then arbitration ...
    HciGrants grants;
    if (requests.mask != 0 || requests.wide) {
      if (now_ > last_arbitrated) {
        platform_.hci().idle_cycles(now_ - last_arbitrated);
      }
      if (requests.wide) {
        requests.wide_write = wide->write;
        requests.wide_bank = static_cast<std::uint8_t>(platform_.tcdm_bank(wide->address));
      }
      grants = platform_.hci().arbitrate(requests);
      last_arbitrated = now_ + 1;
    }
    // ... then all commits.
    for (std::uint32_t left = banked & grants.mask; left != 0; left &= left - 1) {
      serve_tcdm(static_cast<unsigned>(std::countr_zero(left)));
    }
    for (std::uint32_t left = banked & ~grants.mask; left != 0; left &= left - 1) {
      when_[std::countr_zero(left)] = now_ + 1;
    }
    if (dma_stepped_) {
      platform_.commit_dma(Cycle{now_}, dma_requests_, dma_mask & grants.mask >> dma_port);
    }
    if (wide != nullptr) {
      platform_.commit_redmule(Cycle{now_}, *wide, grants);
      refresh(Platform::kRedmule);
    }
    for (; other != 0; other &= other - 1) {
      const unsigned h = static_cast<unsigned>(std::countr_zero(other));
      if (slot_[h].wait != CoreWait::kLimit) {
        serve_data(h);
      }
    }
    step_units();
    for (; answered_ != 0; answered_ &= answered_ - 1) {
      after_answer<kLockstep>(static_cast<unsigned>(std::countr_zero(answered_)));
    }
    if (ended_) {
      break;
    }
    // The next cycle in which anything can happen.
    const std::uint64_t cores_next = *std::min_element(when_, when_ + harts_);
    std::uint64_t next = std::min(cores_next, *std::min_element(due_, due_ + Platform::kRedmule));
    if (due_[Platform::kRedmule] == now_ + 1 && next > now_ + 2) {
      // Nobody else touches the memory until then: the accelerator may take many cycles at once.
      const std::uint64_t limit = std::min({next, options_.max_cycles.raw(), now_ + kHorizon});
      const std::uint64_t taken = platform_.advance_redmule(Cycle{now_ + 1}, limit - now_ - 1);
      stepped_ += taken;
      now_ += taken;
      refresh(Platform::kRedmule);
    }
    next = std::min(next, due_[Platform::kRedmule]);
    if (next == kNone) {
      fail_asleep();
    }
    now_ = std::max(next, now_ + 1);
    if (now_ >= options_.max_cycles.raw()) {
      throw ProgramError("no end within " + std::to_string(options_.max_cycles.raw()) +
                         " cycles: " + where(0));
    }
    if (now_ - systemc_now_ >= kQuantum) {
      sync_systemc();
    }
  }
  finish_cores();
  check_books();
}

template <bool kLockstep>
void Engine::resume(unsigned hart, std::uint64_t earliest) {
  Core& core = platform_.core(hart);
  Slot& slot = slot_[hart];
  std::uint64_t limit = now_ + 1;
  if (!kLockstep && !core.interrupts_possible()) {
    limit = (now_ / kHorizon + 1) * kHorizon;
  }
  slot.wait = core.run(Cycle{limit});
  // A core may learn only with an answer that it wanted a line in a cycle that is past: it asks as
  // soon as it can, which is the same cycle in both engines.
  while (slot.wait == CoreWait::kFetch && std::max(core.fetch_when().raw(), earliest) <= now_) {
    post_fetch(hart);
    slot.wait = core.run(Cycle{limit});
  }
  slot.posted = false;
  switch (slot.wait) {
    case CoreWait::kLimit:
      when_[hart] = std::max(now_ + 1, std::min(core.next_cycle().raw(), limit));
      break;
    case CoreWait::kData: {
      const DataAccess& access = core.access();
      const Routed routed = platform_.map().route(access.address);
      slot.route = routed.route;
      slot.offset = routed.offset;
      when_[hart] = std::max(access.when.raw(), earliest);
      break;
    }
    case CoreWait::kFetch:
      when_[hart] = std::max(core.fetch_when().raw(), earliest);
      break;
    case CoreWait::kLine:
      when_[hart] = kNone;  // the cache wakes it
      break;
    case CoreWait::kFpu:
      // Fetching runs ahead of execution: an instruction that waited for a line is told of it when
      // its own time is past, and asks as soon as it can.
      when_[hart] = std::max(core.fpu_when().raw(), earliest);
      break;
    case CoreWait::kSleep:
      when_[hart] = kNone;
      break;
    case CoreWait::kHalt:
      when_[hart] = kNone;
      if (core.last_trap().taken && !platform_.is_code(Address{core.pc()})) {
        fail_fetch(hart);
      }
      fail(hart, core.error());
  }
}

// The cache is asked for the line; the core goes on with what it has.
void Engine::post_fetch(unsigned hart) {
  Core& core = platform_.core(hart);
  if (!platform_.is_code(core.fetch_line())) {
    fail_fetch(hart);
  }
  platform_.icache().request(hart, core.fetch_line().raw(), Cycle{now_});
  due_[Platform::kIcache] = now_;  // it looks at a request in the same cycle
  core.fetch_posted();
  slot_[hart].wait = CoreWait::kLimit;
}

// Hands the answer to the core. It goes on at the end of the cycle, when everything that this cycle
// changed (interrupt lines among it) is known.
void Engine::answer(unsigned hart, std::uint64_t granted, std::uint64_t responded,
                    std::uint32_t rdata, StallReason why) {
  platform_.core(hart).complete(Cycle{granted}, Cycle{responded}, rdata, why);
  slot_[hart].wait = CoreWait::kLimit;
  when_[hart] = now_ + 1;
  answered_ |= 1u << hart;
}

template <bool kLockstep>
void Engine::after_answer(unsigned hart) {
  if (!kLockstep && !ended_) {
    resume<false>(hart, now_ + 1);
  }
}

// When the run ends, cores that were driven cycle by cycle are brought to where the fast engine has
// them: at their next shared access or at the horizon.
void Engine::finish_cores() {
  for (unsigned h = 0; h < harts_; ++h) {
    if (slot_[h].wait == CoreWait::kLimit) {
      const std::uint64_t horizon = (now_ / kHorizon + 1) * kHorizon;
      slot_[h].wait = platform_.core(h).run(Cycle{horizon});
    }
  }
}

// Every cycle of every core is busy or has one reason: nothing may be lost or counted twice.
void Engine::check_books() const {
  for (unsigned h = 0; h < harts_; ++h) {
    const Core& core = platform_.core(h);
    std::uint64_t booked = core.busy_cycles();
    for (unsigned r = 0; r < kStallReasons; ++r) {
      booked += core.stall_cycles(static_cast<StallReason>(r));
    }
    if (booked != core.next_cycle().raw()) {
      throw std::logic_error("core " + std::to_string(h) + " booked " + std::to_string(booked) +
                             " cycles of " + std::to_string(core.next_cycle().raw()));
    }
  }
}

void Engine::sync_systemc() {
  if (now_ > systemc_now_) {
    wait(platform_.period() * static_cast<double>(now_ - systemc_now_));
    systemc_now_ = now_;
  }
}

void Engine::end(int status) {
  record_.exit_status = status;
  ended_ = true;
}

std::string Engine::where(unsigned hart) const {
  return where(hart, Address{platform_.core(hart).pc()});
}

std::string Engine::where(unsigned hart, Address pc) const {
  char number[16];
  std::snprintf(number, sizeof number, "0x%08x", pc.raw());
  return "hart " + std::to_string(hart) + " at pc " +
         (options_.symbol ? options_.symbol(pc) : std::string(number)) + ", cycle " +
         std::to_string(now_);
}

void Engine::fail(unsigned hart, const std::string& what) {
  throw ProgramError(where(hart) + ": " + what);
}

// Nothing can be fetched where the hart goes on: most often a trap for which there is no handler.
void Engine::fail_fetch(unsigned hart) {
  const TrapInfo& trap = platform_.core(hart).last_trap();
  if (!trap.taken) {
    fail(hart, "jumps to where no program is");
  }
  char text[96];
  std::snprintf(text, sizeof text, "trap without handler, mcause %u, mtval 0x%08x",
                static_cast<unsigned>(trap.cause), trap.tval);
  throw ProgramError(where(hart, Address{trap.pc}) + ": " + text);
}

void Engine::fail_asleep() {
  std::string text = "everything is asleep for good:";
  for (unsigned h = 0; h < harts_; ++h) {
    text += (h == 0 ? " " : "; ") + where(h);
  }
  throw ProgramError(text);
}

}  // namespace etude
