// SPDX-License-Identifier: Apache-2.0
// What each route of the address map does with an access, and the units' own steps.
#include <algorithm>
#include <bit>
#include <utility>

#include "models/base/pulp_map_regs.h"
#include "models/event_unit/event_unit_regs.h"
#include "models/periph/clint.h"
#include "models/redmule/redmule_regs.h"
#include "sim/engine/engine.h"

namespace etude {
namespace {

std::string hex(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", value);
  return text;
}

// A peripheral answers whole words; sub-word loads take their bytes out of it.
std::uint32_t lane(std::uint32_t word, std::uint32_t address) {
  return word >> (8 * (address & 3u));
}

bool is_dispatch(std::uint32_t offset, const DataAccess& access) {
  return access.blocking && (offset & ~3u) == ETUDE_EU_DISPATCH;
}

}  // namespace

void Engine::serve_tcdm(unsigned hart) {
  if (options_.debugger != nullptr && !let_act(hart)) [[unlikely]] {
    return;
  }
  const DataAccess& access = cores_[hart]->access();
  const std::uint32_t rdata = access_tcdm(access, tcdm_offset(hart, access));
  answer(hart, now_, now_ + 1, rdata, StallReason::kTcdmConflict);
}

// The cache is asked for the line; the core goes on with what it has.
void Engine::post_fetch(unsigned hart) {
  Core& core = platform_.core(hart);
  if (!platform_.is_code(core.fetch_line())) {
    fail_fetch(hart);
  }
  platform_.icache().request(hart, core.fetch_line().raw(), Cycle{now_});
  due_[Platform::kIcache] = others_next_ = units_next_ = now_;  // it looks at it in this cycle
  core.fetch_posted();
  slot_[hart].wait = CoreWait::kLimit;
}

// Arbitrates the shared FPUs. Returns those of `harts` that wait for something else.
std::uint32_t Engine::serve_fpus(std::uint32_t harts) {
  std::uint32_t asking = 0;
  for (std::uint32_t left = harts; left != 0; left &= left - 1) {
    const auto h = static_cast<unsigned>(std::countr_zero(left));
    asking |= slot_[h].wait == CoreWait::kFpu ? 1u << h : 0;
  }
  const std::uint32_t granted = asking != 0 ? platform_.grant_fpus(asking, Cycle{now_}) : 0;
  for (std::uint32_t left = asking; left != 0; left &= left - 1) {
    const auto h = static_cast<unsigned>(std::countr_zero(left));
    if ((granted >> h & 1) != 0) {
      cores_[h]->complete_fpu(Cycle{now_});
      go_on(h);
      if (options_.debugger != nullptr) [[unlikely]] {
        tell_after(h);
      }
    } else {
      agenda_.move(h, now_ + 1);
    }
  }
  return harts & ~asking;
}

void Engine::serve_data(unsigned hart) {
  Slot& slot = slot_[hart];
  Core& core = platform_.core(hart);
  if (slot.wait == CoreWait::kHalt) {
    fail_halted(hart);
  }
  if (options_.debugger != nullptr && slot.route != Route::kTcdm && !let_act(hart)) [[unlikely]] {
    return;
  }
  const DataAccess& access = core.access();
  switch (slot.route) {
    case Route::kTcdm:
      return;  // by the arbiter
    case Route::kFlat: {
      std::uint8_t* bytes = platform_.flat(access.address);
      std::uint32_t rdata = 0;
      if (access.write) {
        std::memcpy(bytes, &access.wdata, access.bytes);
        if (options_.tohost && (access.address & ~7u) == (options_.tohost->raw() & ~7u)) {
          serve_tohost(access);
        }
      } else {
        std::memcpy(&rdata, bytes, access.bytes);
      }
      return answer(hart, now_, now_ + 1, rdata, StallReason::kL2Access);
    }
    case Route::kMarker:
      return serve_marker(hart);
    case Route::kClint: {
      Clint& clint = platform_.clint();
      std::uint32_t rdata = 0;
      if (access.write) {
        clint.write(slot.offset, access.wdata, Cycle{now_});
        refresh(Platform::kTimer);
      } else {
        rdata = lane(clint.read(slot.offset & ~3u, Cycle{now_}), access.address);
      }
      return answer(hart, now_, now_ + 1, rdata, StallReason::kPeripheral);
    }
    case Route::kEventUnit:
      if (!slot.posted) {
        if (options_.watch != nullptr) {
          options_.watch->asks(hart, access, Cycle{now_});
        }
        platform_.event_unit().request(hart, slot.offset & ~3u, access.write, access.wdata,
                                       Cycle{now_});
        due_[Platform::kEventUnit] = now_;  // it looks at a request in the same cycle
        slot.posted = true;
        if (tracer_ && is_dispatch(slot.offset, access)) {
          tracer_->kernel_ends(hart, now_);
        }
      }
      // The event unit wakes it.
      return;
    case Route::kDmaControl:
      return;  // before the requests of the cycle
    case Route::kTestAndSet:
    case Route::kPeripheral:
      return serve_peripheral(hart);
    case Route::kExternal:
      return serve_external(hart);
    case Route::kSocPeripheral:
      return serve_soc_peripheral(hart);
    case Route::kSimPort:
      return serve_sim_port(hart);
    case Route::kUnmapped:
      fail(hart, std::string(access.write ? "store to " : "load from ") + hex(access.address) +
                     ", where nothing is mapped");
  }
}

void Engine::serve_dma_control(unsigned hart) {
  if (options_.debugger != nullptr && !let_act(hart)) [[unlikely]] {
    return;
  }
  const DataAccess& access = platform_.core(hart).access();
  const DmaReply reply = platform_.dma().access(hart, slot_[hart].offset & ~3u, access.write,
                                                access.wdata, Cycle{now_});
  if (!reply.granted && mchan_ != nullptr && !options_.lockstep && mchan_->blocked(hart)) {
    in_dma_queue_ |= 1u << hart;  // it asks again when a commit has let it go
    return;
  }
  due_[Platform::kDma] = std::min(due_[Platform::kDma], now_);
  if (reply.granted) {
    answer(hart, now_, now_ + 1, lane(reply.rdata, access.address), StallReason::kDmaProgram);
  } else {
    agenda_.move(hart, now_ + 1);
  }
}

void Engine::serve_tohost(const DataAccess& access) {
  // ISA-test convention: 1 = passed, (n << 1) | 1 = test n failed. The upper half of a 64-bit store
  // is 0.
  if ((access.address & 4u) == 0 && (access.wdata & 1u) != 0) {
    end(static_cast<int>(access.wdata >> 1));
  }
}

void Engine::serve_marker(unsigned hart) {
  const DataAccess& access = platform_.core(hart).access();
  if (access.write) {
    markers_.push_back(
        {slot_[hart].offset, access.wdata, Cycle{now_}, platform_.core(hart).instructions()});
    if (slot_[hart].offset == 8) {
      end(static_cast<int>(access.wdata));
    }
  }
  answer(hart, now_, now_ + 1, 0, StallReason::kPeripheral);
}

// One access per cycle and target through the peripheral interconnect, lowest hart first, some
// cycles after the core has asked (ask()); data one cycle after the grant, two for the event unit
// (its request FIFO). RTL: eight cores on one unit wait 3 to 10 cycles for their grants.
void Engine::serve_peripheral(unsigned hart) {
  const Slot& slot = slot_[hart];
  const DataAccess& access = platform_.core(hart).access();
  const std::uint32_t block = slot.offset & 0x3C00u;
  const std::uint32_t in_block = slot.offset & 0x3FCu;
  const std::uint32_t base = ETUDE_CLUSTER_PERIPH_BASE;
  const std::uint32_t target = slot.route == Route::kTestAndSet ? 16u : block >> 10;
  if ((periph_taken_ >> target & 1u) != 0) {
    agenda_.move(hart, now_ + 1);
    return;
  }
  periph_taken_ |= 1u << target;
  std::uint32_t rdata = 0;
  if (slot.route == Route::kTestAndSet) {
    // Assumed: one access a cycle over the whole alias, without arbitration against the banks.
    if (access.write) {
      platform_.tcdm().write(slot.offset, access.bytes, access.wdata);
    } else {
      rdata = lane(platform_.tcdm().test_and_set(slot.offset & ~3u), access.address);
    }
  } else if (block == ETUDE_EU_PERIPH_BASE - base ||
             block == ETUDE_EU_PERIPH_BASE - base + 0x400u) {
    const std::uint32_t offset = slot.offset - (ETUDE_EU_PERIPH_BASE - base);
    if (platform_.event_unit().periph_request(offset & ~3u, access.write, access.wdata, hart,
                                              Cycle{now_})) {
      due_[Platform::kEventUnit] = now_;
      // answered when it has acted
    } else {
      agenda_.move(hart, now_ + 1);
    }
    return;
  } else if (block == ETUDE_CLUSTER_CTRL_BASE - base) {
    if (access.write) {
      write_cluster_ctrl(in_block, access.wdata);
    } else {
      rdata = platform_.ctrl().read(in_block);
    }
  } else if (block == ETUDE_CLUSTER_TIMER_BASE - base) {
    if (access.write) {
      platform_.timer().write(in_block, access.wdata, Cycle{now_});
      refresh(Platform::kTimer);
    } else {
      rdata = platform_.timer().read(in_block, Cycle{now_});
    }
  } else if (block == ETUDE_HWPE_BASE - base && platform_.has_redmule()) {
    if (access.write) {
      platform_.redmule().reg_write(in_block, access.wdata, Cycle{now_});
      refresh(Platform::kRedmule);
      if (tracer_ && in_block == ETUDE_REDMULE_TRIGGER) {
        tracer_->job_triggered(now_);
      }
    } else {
      rdata = platform_.redmule().reg_read(in_block, Cycle{now_});
    }
  } else if (block == ETUDE_ICACHE_CTRL_BASE - base) {
    if (access.write) {
      platform_.icache().write_register(in_block, access.wdata, Cycle{now_});
      due_[Platform::kIcache] = now_;
    } else {
      rdata = platform_.icache().read_register(in_block);
    }
  } else if (block == ETUDE_DMA_EXT_BASE - base) {
    fail(hart,
         "the DMA's external port serves a fabric controller, which this SoC does not have; "
         "use the private port at 0x10204400");
  } else {
    fail(hart, std::string(access.write ? "store to " : "load from ") + hex(access.address) +
                   ", a cluster peripheral that is not there");
  }
  if (!ended_) {
    answer(hart, now_, now_ + 1, lane(rdata, access.address), StallReason::kPeripheral);
  }
}

void Engine::write_cluster_ctrl(std::uint32_t offset, std::uint32_t value) {
  ClusterCtrl& ctrl = platform_.ctrl();
  ctrl.write(offset, value);
  if (offset == ETUDE_CTRL_CLUSTER_CFG) {
    const std::uint32_t hci = ctrl.hci_config();
    platform_.hci().set_priority((hci >> 8 & 1u) != 0, hci & 0xFFu);
  } else if (ctrl.ended()) {
    end(static_cast<int>(ctrl.return_value()));
  }
}

void Engine::serve_external(unsigned hart) {
  const DataAccess& access = platform_.core(hart).access();
  sync_systemc();
  std::uint32_t rdata = 0;
  const Cycle done = platform_.core_access(access, rdata, Cycle{now_});
  answer(hart, now_, done.raw(), rdata, StallReason::kL2Access);
}

void Engine::serve_soc_peripheral(unsigned hart) {
  const Slot& slot = slot_[hart];
  const DataAccess& access = platform_.core(hart).access();
  const std::uint32_t soc_dma = ETUDE_SOC_DMA_BASE - ETUDE_SOC_PERIPH_BASE;
  const std::uint32_t console = ETUDE_STDOUT_BASE - ETUDE_SOC_PERIPH_BASE;
  std::uint32_t rdata = 0;
  if (slot.offset >= console && slot.offset < console + 0x1000u) {
    if (access.write) {
      const char c = static_cast<char>(access.wdata);
      record_.console += c;
      if (options_.console) {
        options_.console(c);
      }
    }
  } else if (slot.offset >= soc_dma && slot.offset < soc_dma + 0x100u) {
    sync_systemc();
    if (access.write) {
      platform_.soc_dma().write_register(slot.offset - soc_dma, access.wdata, Cycle{now_});
    } else if (const auto value =
                   platform_.soc_dma().read_register(slot.offset - soc_dma, Cycle{now_})) {
      rdata = *value;
      refresh(Platform::kSocDma);
    } else {
      agenda_.move(hart, now_ + 1);  // its queue is full
      return;
    }
  } else if (slot.offset == ETUDE_SOC_CORESTATUS - ETUDE_SOC_PERIPH_BASE) {
    if (access.write && (access.wdata >> 31) != 0) {
      end(static_cast<int>(access.wdata & 0x7FFFFFFFu));
    }
  } else if (slot.offset >= 0x9800u && slot.offset < 0xA000u) {
    fail(hart, "the program talks to a fabric controller, which this SoC does not have");
  }
  // Other SoC peripherals (FLL, GPIO, control) read as 0 and swallow writes, so that start-up code
  // runs.
  if (!ended_) {
    answer(hart, now_, now_ + platform_.soc_peripheral_latency(), lane(rdata, access.address),
           StallReason::kPeripheral);
  }
}

void Engine::step_units() {
  periph_taken_ = 0;
  if (!platform_.is_pulp()) {
    if (due(Platform::kTimer)) {
      refresh(Platform::kTimer);
    }
    update_interrupts();
    return;
  }
  if (due(Platform::kIcache)) {
    if (platform_.icache().asks_memory()) {
      sync_systemc();
    }
    for (std::uint32_t done = platform_.icache().step(Cycle{now_}); done != 0; done &= done - 1) {
      const unsigned h = static_cast<unsigned>(std::countr_zero(done));
      platform_.core(h).complete_fetch(Cycle{now_});
      if (slot_[h].wait == CoreWait::kLine) {
        go_on(h);
      }
    }
    refresh(Platform::kIcache);
  }
  // What a unit tells others, in the cycle in which it does.
  if (wants_routing()) {
    route_events();
  }
  if (due(Platform::kEventUnit)) {
    const std::uint32_t granted = platform_.event_unit().step(Cycle{now_});
    for (std::uint32_t left = granted; left != 0; left &= left - 1) {
      const unsigned h = static_cast<unsigned>(std::countr_zero(left));
      const DataAccess& access = platform_.core(h).access();
      answer(h, now_, now_ + 1, lane(platform_.event_unit().rdata(h), access.address),
             access.blocking ? StallReason::kEventWait : StallReason::kPeripheral);
      if (tracer_ && is_dispatch(slot_[h].offset, access)) {
        tracer_->kernel_begins(h, now_);
      }
    }
    if (const auto response = platform_.event_unit().periph_response()) {
      const DataAccess& access = platform_.core(response->id).access();
      answer(response->id, now_, now_ + 1, lane(response->rdata, access.address),
             StallReason::kPeripheral);
    }
    update_interrupts();
    refresh(Platform::kEventUnit);
  }
}

// Event lines of the units, in the cycle in which they are up.
void Engine::route_events() {
  EventUnit& eu = platform_.event_unit();
  const Cycle now{now_};
  const auto raise = [&](unsigned line, std::uint32_t harts) {
    eu.set_event(line, harts, now);
    due_[Platform::kEventUnit] = now_;
  };
  const std::uint32_t all = platform_.all_harts();
  if (due(Platform::kSocDma)) {
    sync_systemc();
    if (platform_.soc_dma().step(now) != 0) {
      raise(ETUDE_EVENT_SOC, all);
    }
    refresh(Platform::kSocDma);
    if (tracer_) {
      tracer_->soc_dma(!platform_.soc_dma().idle(), platform_.soc_dma().completed(), now_);
    }
  }
  if (dma_stepped_) {
    if (const std::uint32_t harts = dma_->take_events(now)) {
      raise(ETUDE_EVENT_DMA, harts);
    }
    for (DmaRecord record; (tracer_ || options_.watch) && dma_->take_record(record);) {
      if (tracer_) {
        tracer_->transfer(record);
      }
      if (options_.watch != nullptr) {
        options_.watch->transfer_done(record);
      }
    }
    due_[Platform::kDma] = dma_->next_activity().raw();
  }
  if (redmule_may_be_done_ && redmule_->take_done_event(now)) {
    raise(ETUDE_EVENT_ACC0, all);
    if (options_.watch != nullptr) {
      options_.watch->job_done();
    }
    refresh(Platform::kRedmule);
    if (tracer_) {
      tracer_->job_done(now_);
    }
  }
  if (due(Platform::kTimer)) {
    const unsigned halves = platform_.timer().take_events(now);
    for (unsigned half = 0; half < 2; ++half) {
      if ((halves >> half & 1u) != 0) {
        raise(ETUDE_EVENT_TIMER_LO + half, all);
      }
    }
    refresh(Platform::kTimer);
  }
}

void Engine::update_interrupts() {
  if (platform_.is_pulp()) {
    // Lines of harts that neither have nor had any stay down.
    const std::uint32_t before =
        std::exchange(interrupting_, platform_.event_unit().interrupting());
    if ((before | interrupting_) == 0) {
      return;
    }
  }
  for (unsigned h = 0; h < harts_; ++h) {
    const std::uint32_t lines = platform_.interrupt_lines(h, Cycle{now_ + 1});
    if (lines != interrupt_lines_[h]) {
      interrupt_lines_[h] = lines;
      platform_.core(h).set_irq_lines(lines, Cycle{now_ + 1});
      if (slot_[h].wait == CoreWait::kSleep && lines != 0) {
        slot_[h].wait = CoreWait::kLimit;
        agenda_.move(h, now_ + 1);
      }
    }
  }
}

}  // namespace etude
