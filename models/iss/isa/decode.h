// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "models/base/types.h"
#include "models/iss/isa/calm_op.h"
#include "models/iss/isa/instr.h"
#include "models/iss/isa/isa_config.h"

namespace etude {

/// Decodes `word` (a 16-bit instruction in the low half, the rest ignored). Anything that `isa`
/// does not contain becomes Op::kIllegal with its length set. Sources: RISC-V unprivileged and
/// privileged specifications; CV32E40P user manual v2, chapter "CORE-V Instruction Set Custom
/// Extensions".
Instr decode(std::uint32_t word, const IsaConfig& isa);

/// The 32-bit instruction that `half` stands for, or 0 (illegal) if it is none of RV32C (+F).
std::uint32_t expand_compressed(std::uint16_t half, const IsaConfig& isa);

/// Somebody who points into a decode cache.
class DecodeUser {
 public:
  /// What was decoded is forgotten when this returns.
  virtual void before_flush() = 0;

 protected:
  ~DecodeUser() = default;
};

/// Decoded instructions by address, shared by all cores: a table entry per halfword, filled at the
/// first fetch.
class DecodeCache {
 public:
  explicit DecodeCache(const IsaConfig& isa);
  ~DecodeCache();
  DecodeCache(DecodeCache&&) = default;
  DecodeCache& operator=(DecodeCache&&) = default;

  /// Makes `bytes` executable at `base`; the memory must outlive the cache, and later changes of it
  /// are seen after flush(). An area mapped later replaces an earlier one.
  void map(Address base, std::span<const std::uint8_t> bytes);
  /// Forgets everything decoded (fence.i); what pointers given out by at() name is empty then.
  void flush();
  /// Tells `user` of each flush() until it is removed.
  void add_user(DecodeUser& user) { users_.push_back(&user); }
  void remove_user(DecodeUser& user) { std::erase(users_, &user); }
  const IsaConfig& isa() const { return isa_; }

  /// The instruction at `pc`, or nullptr where nothing is mapped. `pc` is even.
  const Instr* at(std::uint32_t pc) {
    if (Table* table = root_[pc >> 22].get()) {
      if (Page* page = (*table)[(pc >> 12) & 1023].get()) {
        const Instr& instr = page->slot[(pc >> 1) & 2047];
        if (instr.length != 0) [[likely]] {
          return &instr;
        }
      }
    }
    return fill(pc);
  }
  /// The slots of the 4 KiB page of `pc`, one per halfword, once something in it was decoded; an
  /// empty slot has length 0. The table stays where it is as long as the cache lives.
  const Instr* page(std::uint32_t pc) const {
    const Page* const found = find_page(pc);
    return found != nullptr ? found->slot : nullptr;
  }
  /// Beside each of these slots what Core::run_calm() makes of it; empty again after flush().
  CalmOp* calm_ops(std::uint32_t pc) {
    Page* const found = find_page(pc);
    return found != nullptr ? found->calm : nullptr;
  }

  /// at(next_pc), given what at(pc) returned: cheaper inside a page of 4 KiB, whose decoded
  /// instructions stand side by side. `last` may stem from before a flush().
  const Instr* follow(const Instr* last, std::uint32_t pc, std::uint32_t next_pc) {
    if (((pc ^ next_pc) >> 12) == 0) [[likely]] {
      const Instr* next = last + (static_cast<std::int32_t>(next_pc - pc) >> 1);
      if (next->length != 0) [[likely]] {
        return next;
      }
    }
    return at(next_pc);
  }

 private:
  struct Page {
    Instr slot[2048];
    CalmOp calm[2048];
  };
  using Table = std::vector<std::unique_ptr<Page>>;
  struct Region {
    std::uint32_t base;
    std::span<const std::uint8_t> bytes;
  };

  Page* find_page(std::uint32_t pc) const {
    const Table* table = root_[pc >> 22].get();
    return table != nullptr ? (*table)[(pc >> 12) & 1023].get() : nullptr;
  }
  const Instr* fill(std::uint32_t pc);
  const Region* find(std::uint32_t pc) const;

  IsaConfig isa_;
  std::vector<Region> regions_;
  std::vector<DecodeUser*> users_;
  std::vector<std::unique_ptr<Table>> root_;
};

}  // namespace etude
