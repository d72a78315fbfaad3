// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/iss/isa/csr.h"
#include "models/iss/isa/decode.h"
#include "models/iss/isa/execute.h"

namespace etude::test {

/// Fetch, decode, execute without any timing: what the instruction set does, on a flat memory.
class FunctionalHart {
 public:
  FunctionalHart(const IsaConfig& isa, CsrMap map, std::uint32_t base, std::size_t size)
      : state(isa, map, 0), cache(isa), base_(base), memory_(size) {
    cache.map(Address{base}, memory_);
  }

  ArchState state;
  DecodeCache cache;
  std::uint64_t retired = 0;
  /// Called at ecall instead of the trap if set; returns false to stop.
  std::function<bool(FunctionalHart&)> on_ecall;
  /// Called with address, value and size of each store if set; returns false to stop.
  std::function<bool(std::uint32_t, std::uint32_t, unsigned)> on_store;

  void load(std::uint32_t address, const std::vector<std::uint8_t>& bytes) {
    if (!bytes.empty()) {
      std::memcpy(at(address, bytes.size()), bytes.data(), bytes.size());
    }
    cache.flush();
  }
  std::uint8_t* at(std::uint32_t address, std::size_t size) {
    if (address - base_ > memory_.size() || address - base_ + size > memory_.size()) {
      throw std::runtime_error("access outside memory: " + std::to_string(address) + " at pc " +
                               std::to_string(state.pc));
    }
    return memory_.data() + (address - base_);
  }
  std::uint32_t word(std::uint32_t address) {
    std::uint32_t value = 0;
    std::memcpy(&value, at(address, 4), 4);
    return value;
  }

  /// Executes up to `limit` instructions; returns false if it was stopped by a hook.
  bool run(std::uint64_t limit) {
    for (; limit > 0; --limit) {
      if (!step()) {
        return false;
      }
    }
    return true;
  }

  bool step() {
    const Instr* instr = cache.at(state.pc);
    if (instr == nullptr) {
      enter_trap(state, Cause::kFetchFault, state.pc);
      return true;
    }
    if (instr->has(kFp | kDynamicRm) && illegal_now(*instr, state)) {
      enter_trap(state, Cause::kIllegal, instr->word);
      return true;
    }
    std::uint32_t next = state.pc + instr->length;
    switch (instr->timing) {
      case TimingClass::kLoad:
      case TimingClass::kEventLoad: {
        const std::uint32_t address = effective_address(*instr, state);
        std::uint32_t data = 0;
        std::memcpy(&data, at(address, instr->bytes), instr->bytes);
        post_increment(*instr, state);
        finish_load(*instr, state, data);
        break;
      }
      case TimingClass::kStore: {
        const std::uint32_t address = effective_address(*instr, state);
        const std::uint32_t value = store_value(*instr, state);
        post_increment(*instr, state);
        std::memcpy(at(address, instr->bytes), &value, instr->bytes);
        if (on_store && !on_store(address, value, instr->bytes)) {
          return false;
        }
        break;
      }
      case TimingClass::kBranch:
        if (branch_taken(*instr, state)) {
          return go(state.pc + static_cast<std::uint32_t>(instr->imm));
        }
        break;
      case TimingClass::kJal:
      case TimingClass::kJalr: {
        const std::uint32_t target = jump_target(*instr, state);
        if (!fetch_misaligned(state, target)) {
          jump(*instr, state);
        }
        return go(target);
      }
      case TimingClass::kCsr:
        if (csr_access(*instr, state, {retired * 2, retired, 0}) == CsrResult::kIllegal) {
          enter_trap(state, Cause::kIllegal, instr->word);
          return true;
        }
        break;
      case TimingClass::kFence:
        if (instr->op == Op::kFenceI) {
          cache.flush();
        }
        break;
      case TimingClass::kSystem:
        return system(*instr);
      case TimingClass::kIllegal:
        enter_trap(state, Cause::kIllegal, instr->word);
        return true;
      default:
        execute(*instr, state);
        break;
    }
    ++retired;
    state.pc = loop_next(state, next);
    return true;
  }

 private:
  bool go(std::uint32_t target) {
    if (fetch_misaligned(state, target)) {
      enter_trap(state, Cause::kFetchMisaligned, target);
    } else {
      ++retired;
      state.pc = target;
    }
    return true;
  }
  bool system(const Instr& instr) {
    switch (instr.op) {
      case Op::kEcall:
        if (on_ecall) {
          state.pc += 4;
          return on_ecall(*this);
        }
        enter_trap(state, Cause::kEcallM, 0);
        return true;
      case Op::kEbreak:
        enter_trap(state, Cause::kBreakpoint, state.pc);
        return true;
      case Op::kMret:
        mret(state);
        ++retired;
        return true;
      default:  // wfi: nothing to wait for
        state.pc += instr.length;
        ++retired;
        return true;
    }
  }

  std::uint32_t base_;
  std::vector<std::uint8_t> memory_;
};

}  // namespace etude::test
