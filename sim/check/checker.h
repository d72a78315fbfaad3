// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sim/check/declared.h"
#include "sim/check/engines.h"
#include "sim/check/events.h"
#include "sim/check/finding.h"
#include "sim/check/memory.h"
#include "sim/check/objects.h"
#include "sim/check/stacks.h"
#include "sim/check/waiting.h"
#include "sim/engine/watch.h"
#include "sim/profile/program_map.h"

namespace etude::check {

/// Finds what no value shows: races of cores, DMA transfers and RedMulE jobs, reads of what nobody
/// has written, accesses outside of what is declared, misuse of the DMA, deadlocks. It is told each
/// access and never changes a cycle. Rules: docs/check.md.
class Checker final : public EngineWatch {
 public:
  /// `elf` and `map` are of the program that the harts run, and outlive the checker.
  Checker(const ElfFile& elf, const ProgramMap& map);
  ~Checker() override;

  /// [first, first + bytes) holds data from the beginning, besides the program's segments.
  void define(std::uint32_t first, std::uint32_t bytes) { memory_.define(first, bytes); }
  /// Holds the task list's operations to what they declare; `declared` outlives the run.
  void hold_to(Declared& declared) {
    declared_ = &declared;
    objects_.forget_sections();
  }
  /// One more object of the program.
  void add_object(std::uint32_t begin, std::uint32_t bytes, std::string name) {
    objects_.add(begin, bytes, std::move(name));
  }

  /// Memory that has another name at another time: findings say it, nothing is held to it.
  void name_place(std::uint32_t begin, std::uint32_t bytes, const std::string& name) {
    objects_.name_place(begin, bytes, name);
  }

  std::vector<AccessObserver*> begin(Platform& platform) override;
  void asks(unsigned hart, const DataAccess& access, Cycle now) override;
  void transfer_done(const DmaRecord& record) override { engines_->transfer_done(record); }
  void job_done() override { engines_->job_done(); }
  void stored_late(const WideRequest& beat, Cycle now) override {
    engines_->stored_late(beat, now.raw());
  }
  void asleep(Cycle now) override;
  void cut_off(Cycle now) override;

  const Findings& findings() const { return findings_; }
  /// One line for each finding, most grave ones first, and one that sums up.
  std::string text() const;
  /// Writes json() into `file`. Returns what went wrong; empty: nothing.
  std::string write(const std::string& file) const;
  /// Findings and stacks (docs/check.md).
  nlohmann::ordered_json json() const;

 private:
  /// A hart's accesses, told to the checker.
  struct Hart final : AccessObserver {
    void accessed(const Core& core, Cycle granted, std::uint32_t rdata) override {
      checker->accessed(number, core, granted.raw(), rdata);
    }
    Checker* checker;
    unsigned number;
  };
  /// A buffer that is given out (bytes) or back (0), by an instruction that has run ahead.
  struct Hint {
    std::uint64_t cycle;
    unsigned hart;
    std::uint32_t pc, begin, bytes;
    bool release;
  };

  void accessed(unsigned hart, const Core& core, std::uint64_t cycle, std::uint32_t rdata);
  void look_at_stack(unsigned hart, const Core& core, std::uint64_t cycle);
  void outside(unsigned hart, const Core& core, std::uint64_t cycle, std::uint32_t rdata);
  void task_list(const RegisterAccess& access);
  void posted(const Thread& work, unsigned hart, std::uint32_t pc, std::uint64_t cycle,
              const Rows& rows, bool write);
  void misaligned(unsigned hart, const Core& core, std::uint64_t cycle);
  void find_stacks();
  bool has_hints() const;
  static void retired(void* context, const Core& core, const Retired& retired);
  void apply_hints(std::uint64_t cycle);
  Party party(Stamp by, bool writes, std::uint32_t address) const;
  bool spins(std::uint32_t pc);
  bool is_spin_loop(std::uint32_t pc) const;
  bool waits(unsigned hart, std::uint32_t pc, std::uint32_t word,
             const std::array<std::uint32_t, 2>& values);
  std::string place(std::uint32_t pc) const;
  std::string unit(unsigned thread) const;
  Context context();
  // deadlock.cpp
  Party waiter(unsigned hart) const;
  Party missing(unsigned hart) const;
  void told(Kind kind, std::string where, std::vector<Party> parties, std::uint64_t cycle,
            std::string text, Severity severity = Severity::kError);
  bool wait_at_barriers(std::uint64_t cycle);
  bool wait_for_mutex(std::uint64_t cycle);
  bool wait_for_events(std::uint64_t cycle, bool began);
  bool wait_for_ids(std::uint64_t cycle);
  Party standing(unsigned hart);
  void wait_in_loops(std::uint64_t cycle);

  const ElfFile& elf_;
  const ProgramMap& map_;
  Platform* platform_{nullptr};
  std::vector<std::string> names_;
  Findings findings_;
  Objects objects_;
  Memory memory_;
  Events events_;
  Stacks stacks_;
  std::unique_ptr<Engines> engines_;
  Declared* declared_{nullptr};
  std::vector<Thread> threads_;
  std::vector<Hart> harts_;
  std::deque<Hint> hints_;
  std::uint64_t hint_due_{~std::uint64_t{0}};  ///< cycle of the first of them
  std::set<std::uint32_t> allocators_;         ///< functions with such instructions
  std::unordered_map<std::uint32_t, bool> spinning_;
  std::optional<Waiting> waiting_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> waits_;  ///< loads that wait, their word
  std::unordered_map<std::uint32_t, unsigned> tried_;        ///< how often a load did not wait
};

}  // namespace etude::check
