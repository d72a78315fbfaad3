// SPDX-License-Identifier: Apache-2.0
// Registers of the event unit: what reads return, what writes change, and the peripheral port.
#include <algorithm>

#include "models/base/pulp_map_regs.h"
#include "models/event_unit/event_unit.h"
#include "models/event_unit/event_unit_decode.h"
#include "models/event_unit/event_unit_regs.h"

namespace etude {

using namespace event_unit_decode;

void EventUnit::core_register_write(const CoreUnit& unit, std::uint32_t offset, std::uint32_t data,
                                    Writes& writes) const {
  switch (offset & 0x3Cu) {
    case ETUDE_EU_MASK:
      writes.mask = data;
      break;
    case ETUDE_EU_MASK_AND:
      writes.mask = unit.mask & ~data;
      break;
    case ETUDE_EU_MASK_OR:
      writes.mask = unit.mask | data;
      break;
    case ETUDE_EU_MASK_IRQ:
      writes.irq_mask = data;
      break;
    case ETUDE_EU_MASK_IRQ_AND:
      writes.irq_mask = unit.irq_mask & ~data;
      break;
    case ETUDE_EU_MASK_IRQ_OR:
      writes.irq_mask = unit.irq_mask | data;
      break;
    case ETUDE_EU_BUFFER_CLEAR:
      writes.buffer = unit.buffer & ~data;
      break;
    case ETUDE_EU_SW_MASK:
      writes.sw_mask = data & all_;
      break;
    case ETUDE_EU_SW_MASK_AND:
      writes.sw_mask = unit.sw_mask & ~data & all_;
      break;
    case ETUDE_EU_SW_MASK_OR:
      writes.sw_mask = (unit.sw_mask | data) & all_;
      break;
    default:
      break;
  }
}

std::uint32_t EventUnit::core_register_read(const CoreUnit& unit, std::uint32_t offset) const {
  switch (offset & 0x3Cu) {
    case ETUDE_EU_MASK:
      return unit.mask;
    case ETUDE_EU_MASK_IRQ:
      return unit.irq_mask;
    case ETUDE_EU_STATUS:
      return 1;  // whoever reads it has its clock
    case ETUDE_EU_BUFFER:
      return unit.buffer;
    case ETUDE_EU_BUFFER_MASKED:
    case ETUDE_EU_EVENT_WAIT:
    case ETUDE_EU_EVENT_WAIT_CLEAR:
      return unit.buffer & unit.mask;
    case ETUDE_EU_BUFFER_IRQ_MASKED:
      return unit.buffer & unit.irq_mask;
    case ETUDE_EU_SW_MASK:
      return unit.sw_mask;
    default:
      return 0;
  }
}

std::uint32_t EventUnit::barrier_register_read(unsigned barrier, std::uint32_t offset) const {
  if (barrier >= barrier_units_.size()) {
    return 0;
  }
  switch (barrier_register(offset) << 2) {
    case ETUDE_EU_BARRIER_TRIGGER_MASK:
      return barrier_units_[barrier].trigger_mask;
    case ETUDE_EU_BARRIER_STATUS:
      return barrier_units_[barrier].status;
    case ETUDE_EU_BARRIER_TARGET_MASK:
      return barrier_units_[barrier].target_mask;
    default:
      return 0;
  }
}

void EventUnit::barrier_register_write(unsigned barrier, std::uint32_t offset, std::uint32_t data) {
  switch (barrier_register(offset) << 2) {
    case ETUDE_EU_BARRIER_TRIGGER_MASK:
      barrier_units_[barrier].trigger_mask = data & all_;
      break;
    case ETUDE_EU_BARRIER_TARGET_MASK:
      barrier_units_[barrier].target_mask = data & all_;
      break;
    case ETUDE_EU_BARRIER_TRIGGER:
      cause_.arrivals[barrier] |= data & all_;
      cause_.arrived |= 1u << barrier;
      break;
    default:
      break;
  }
}

std::uint32_t EventUnit::read_data(unsigned core) const {
  const Port& port = ports_[core];
  const CoreUnit& unit = units_[core];
  if (port.write) {
    return 0;
  }
  if (uses_barrier_port(port.offset)) {
    return barrier_register_read(barrier_of(port.offset), port.offset);
  }
  if (!in_barriers(port.offset)) {
    switch (group_of(port.offset)) {
      case 0:
        return core_register_read(unit, port.offset);
      case 2:
        return is_dispatch_pop(port.offset) ? dispatch_.value(core) : 0;
      case 3:
        return mutex_.message();
      default:
        break;
    }
  }
  return unit.buffer & unit.mask;
}

std::uint32_t EventUnit::periph_read_data() const {
  const unsigned core = periph_offset_ >> 6;
  if (periph_offset_ < ETUDE_EU_PERIPH_BARRIER) {
    return core < config_.cores ? core_register_read(units_[core], periph_offset_) : 0;
  }
  return periph_offset_ < ETUDE_EU_PERIPH_SW_EVENT
             ? barrier_register_read(barrier_of(periph_offset_), periph_offset_)
             : 0;
}

bool EventUnit::periph_request(std::uint32_t offset, bool write, std::uint32_t wdata, unsigned id,
                               Cycle now) {
  if (periph_queue_.size() >= 2) {
    return false;
  }
  periph_queue_.push_back({now.raw(), offset & 0x7FFu, write, wdata, id});
  return true;
}

void EventUnit::step_peripheral(std::uint64_t now) {
  periph_response_.reset();
  if (periph_queue_.empty() || periph_queue_.front().since >= now) {
    return;
  }
  const PeriphAccess access = periph_queue_.front();
  const unsigned core = access.offset >> 6;
  const unsigned barrier = barrier_of(access.offset);
  if (access.offset < ETUDE_EU_PERIPH_BARRIER) {
    // A store of the core to its own unit in the same cycle goes first.
    const bool conflict = core < config_.cores && access.write && ports_[core].up &&
                          ports_[core].write && !uses_barrier_port(ports_[core].offset);
    if (conflict) {
      changed_ = true;
      return;
    }
    if (core < config_.cores && access.write) {
      core_register_write(units_[core], access.offset, access.wdata, periph_writes_[core]);
      touched_ |= 1u << core;
      written_ |= 1u << core;
    }
  } else if (access.offset < ETUDE_EU_PERIPH_SW_EVENT) {
    if (access.write && barrier < config_.barriers) {
      if ((cause_.port_write >> barrier & 1u) != 0) {
        changed_ = true;
        return;
      }
      barrier_register_write(barrier, access.offset, access.wdata);
    }
  } else if (access.offset < ETUDE_EU_PERIPH_SW_EVENT + 0x100u && access.write) {
    software_event((access.offset >> 2) & 7u, access.wdata);
  }
  periph_queue_.erase(periph_queue_.begin());
  periph_offset_ = access.offset;
  periph_response_ = PeriphResponse{access.id, 0};
  periph_reads_ = !access.write;
  ++periph_accesses_;
  changed_ = true;
}

}  // namespace etude
