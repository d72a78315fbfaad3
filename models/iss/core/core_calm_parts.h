// SPDX-License-Identifier: Apache-2.0
// What a straight run of a core asks: where it may go on, and its data accesses; included by
// core_calm.h alone.
#pragma once

#include <algorithm>

#include "models/iss/core/core_inline.h"
#include "models/iss/isa/calm_op.h"
#include "models/iss/isa/execute.h"

namespace etude {

// The offset in the page up to which straight code from `pc` on needs nothing to be looked up: the
// next end of a hardware loop, or of what is known of the cache. 0 if the line of `pc` has to be
// asked for.
template <bool kCached>
[[gnu::noinline]] std::uint32_t Core::find_calm_bound(std::uint32_t pc) {
  const std::uint32_t offset = pc & 0xfffu;
  std::uint32_t from = 0;
  std::uint32_t to = 0x1000;
  calm_from_ = calm_bound_ = calm_loop_ = 0;
  if constexpr (kCached) {
    if (offset - calm_begin_ >= calm_end_ - calm_begin_) {
      // The next line will be looked up from this one: both must be here.
      if (!here(pc)) {
        return 0;
      }
      const std::uint32_t line = offset & ~15u;
      if (line != calm_end_) {
        calm_begin_ = calm_end_ = line;
      }
      if (here(pc + 16)) {
        constexpr std::uint32_t kAtOnce = 64;
        do {
          calm_end_ += 16;
        } while (calm_end_ < std::min(line + kAtOnce, 0x1000u) &&
                 here((pc & ~0xfffu) + calm_end_ + 16));
        to = calm_end_;
      } else if (loop_goes_back(pc)) {
        // Until its last pass, which goes on behind the loop.
        const std::uint32_t end = state_.loop_watch[0];
        calm_loop_ = end > pc && end <= (pc & ~15u) + 16 && state_.loop[0].count > 1 ? 1 : 2;
        to = line + 16;
      } else {
        return 0;
      }
    } else {
      to = calm_end_;
    }
    from = calm_begin_;
  }
  for (const std::uint32_t end : state_.loop_watch) {
    const std::uint32_t at = end - (pc & ~0xfffu);
    if (end == 1 || at > 0x1000) {
      continue;
    }
    if (at > offset) {
      to = std::min(to, at);
    } else {
      from = std::max(from, at);
    }
  }
  if (calm_loop_ != 0) {
    calm_loop_end_ = state_.loop_watch[calm_loop_ - 1];
  }
  calm_from_ = from;
  calm_bound_ = to;
  return to;
}

// The same, if it is known already at once.
template <bool kCached>
[[gnu::always_inline]] inline std::uint32_t Core::calm_bound(std::uint32_t pc) {
  if ((pc & 0xfffu) - calm_from_ < calm_bound_ - calm_from_ &&
      (calm_loop_ == 0 || (state_.loop[calm_loop_ - 1].count > 1 &&
                           state_.loop_watch[calm_loop_ - 1] == calm_loop_end_))) {
    return calm_bound_;
  }
  return find_calm_bound<kCached>(pc);
}

// Makes the operation of the instruction at `pc`, on the present page. False if it is not decoded
// yet, or what stands behind it.
inline bool Core::look_at(std::uint32_t pc) {
  const std::uint32_t slot = (pc & 0xfffu) / 2;
  const Instr& instr = page_[slot];
  if (instr.length == 0) {
    return false;
  }
  const std::uint32_t next = slot + instr.length / 2;
  calm_ops_[slot] = CalmOp::of(instr, next < 0x800u ? page_ + next : nullptr, pc, state_.isa.c);
  return calm_ops_[slot].kind != CalmKind::kUnknown;
}

// A straight run may go on with `op`, that of the instruction at `pc`.
[[gnu::always_inline]] inline bool Core::in_run(const CalmOp& op, std::uint32_t pc) {
  return op.kind > CalmKind::kStop ||
         (op.kind == CalmKind::kUnknown && look_at(pc) && op.kind > CalmKind::kStop);
}

// Decision of a conditional branch.
inline bool branch_goes(CalmKind kind, std::uint32_t a, std::uint32_t b) {
  switch (kind) {
    case CalmKind::kBeq:
      return a == b;
    case CalmKind::kBne:
      return a != b;
    case CalmKind::kBlt:
      return static_cast<std::int32_t>(a) < static_cast<std::int32_t>(b);
    case CalmKind::kBge:
      return static_cast<std::int32_t>(a) >= static_cast<std::int32_t>(b);
    case CalmKind::kBltu:
      return a < b;
    default:
      return a >= b;
  }
}

// A data access of the calm pipeline enters EX.
[[gnu::always_inline]] inline void Core::offer(const CalmOp& op, std::uint64_t enter,
                                               std::uint32_t address, std::uint32_t wdata,
                                               std::uint8_t bytes, bool write) {
  calm_op_ = &op;
  access_.when = Cycle{enter};
  access_.address = address;
  access_.wdata = wdata;
  access_.bytes = bytes;
  access_.write = write;
  access_.blocking = false;
  waiting_ = Waiting::kData;
  calm_flushes_ = icache_flushes_;
}

// The same of a word at rs1 + `by`, or at rs1 that is incremented by it afterwards. False if
// it is misaligned.
template <bool kPost, bool kWrite>
[[gnu::always_inline]] inline bool Core::offer_word(const CalmOp& op, std::uint64_t enter,
                                                    std::uint32_t by) {
  const std::uint32_t sum = state_.r[op.a] + by;
  const std::uint32_t address = kPost ? state_.r[op.a] : sum;
  if ((address & 3u) != 0) {
    return false;
  }
  calm_rs1_ = sum;
  offer(op, enter, address, kWrite ? state_.r[op.b] : 0, 4, kWrite);
  return true;
}

// Any other. False if it is misaligned.
inline bool Core::offer_access(const CalmOp& op, const Instr& instr, std::uint64_t enter) {
  const std::uint32_t address = effective_address(instr, state_);
  if ((address & 3u) + instr.bytes > 4) {
    return false;
  }
  const bool write = instr.timing == TimingClass::kStore;
  std::uint32_t value = write ? store_value(instr, state_) : 0;
  if (instr.bytes != 4) {
    value &= (1u << (8 * instr.bytes)) - 1;
  }
  const std::uint32_t step = instr.has(kIndexed) ? state_.r[write ? instr.c : instr.b]
                                                 : static_cast<std::uint32_t>(instr.imm);
  calm_rs1_ = address + step;
  offer(op, enter, address, value, instr.bytes, write);
  return true;
}

}  // namespace etude
