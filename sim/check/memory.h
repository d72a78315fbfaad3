// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/check/finding.h"
#include "sim/check/objects.h"
#include "sim/check/order.h"
#include "sim/check/shadow.h"

namespace etude::check {

/// Bytes that a transfer or a job touches: rows, `pitch` bytes from one to the next.
struct Rows {
  std::uint32_t address{0};
  std::uint32_t rows{1};
  std::uint32_t row_bytes{0};
  std::uint32_t pitch{0};

  std::uint64_t bytes() const { return std::uint64_t{rows} * row_bytes; }
  /// Address behind the last byte.
  std::uint64_t end() const {
    return std::uint64_t{address} + std::uint64_t{rows - 1} * pitch + row_bytes;
  }
};

/// What the memory's checks need to know of the run besides.
struct Context {
  /// The side of a finding that `by` stands for; `address` is where it touched memory.
  std::function<Party(Stamp by, bool writes, std::uint32_t address)> party;
  /// Whether work of an engine is over.
  std::function<bool(Stamp by)> over;
  /// Whether the load at `pc` is that of a loop that waits for a word to change.
  std::function<bool(std::uint32_t pc)> spins;
  /// Whether `hart`, which has read the word at `word` at `pc`, waits for it as it stands.
  /// `values`: some that the word has or had.
  std::function<bool(unsigned hart, std::uint32_t pc, std::uint32_t word,
                     const std::array<std::uint32_t, 2>& values)>
      waits;
  /// Whether `pc` is in a function that gives buffers out or takes them back.
  std::function<bool(std::uint32_t pc)> allocates;
  /// The stack pointer of `hart`; nothing if the program says of no memory that it is a stack.
  std::function<std::optional<std::uint32_t>(unsigned hart)> stack_pointer;
  /// Told each footprint of work that `hart` posts; may be empty.
  std::function<void(const Thread& work, unsigned hart, std::uint32_t pc, std::uint64_t cycle,
                     const Rows& rows, bool write)>
      posted;
};

/// L1 and L2 as the checker sees them: each access of a hart and each footprint of a transfer or
/// job is held against who touched the bytes before, whether anybody has written them, and what is
/// declared there. Addresses are canonical.
class Memory {
 public:
  Memory(Findings& findings, Objects& objects, Context context)
      : findings_(findings), objects_(objects), context_(std::move(context)) {}

  Shadow& shadow() { return shadow_; }
  /// [first, first + bytes) holds data from the beginning.
  void define(std::uint32_t first, std::uint32_t bytes) { shadow_.mark(first, bytes, 0, 1); }
  /// The words of [first, first + bytes) are flags: a store hands on, a load takes over.
  void declare_flag(std::uint32_t first, std::uint32_t bytes);

  /// An access of a hart to the bytes `mask` of the word that holds `address`.
  void access(std::vector<Thread>& threads, Thread& thread, std::uint32_t pc, std::uint64_t cycle,
              std::uint32_t address, std::uint8_t mask, bool write, std::uint32_t data);
  /// A load or store through the test-and-set alias; `address` is that of the word itself.
  void test_and_set(Thread& thread, std::uint32_t address, bool write, std::uint32_t rdata);
  /// An operand of a transfer or job.
  void footprint(Thread& thread, std::uint32_t pc, std::uint64_t cycle, const Rows& rows,
                 bool write);
  /// An operand that the same job reads and then writes: whether there is anything to read.
  void look(Thread& thread, std::uint32_t pc, std::uint64_t cycle, const Rows& rows);
  /// Of one thread: a finding about bytes that it touched.
  void told(Kind kind, const Thread& thread, std::uint32_t pc, std::uint64_t cycle,
            std::uint32_t address, std::uint32_t bytes, bool write, const std::string& text);
  /// A buffer is given back: whoever uses it must be done by then, as before a write of it.
  void given_back(Thread& thread, std::uint32_t pc, std::uint64_t cycle, std::uint32_t first,
                  std::uint32_t bytes);
  /// Stores of a job that come behind its event.
  void late_store(Thread& thread, std::uint32_t pc, std::uint64_t cycle, std::uint32_t address,
                  std::uint8_t mask);

 private:
  struct SyncWord {
    Order order;
    bool flag{false};
  };
  struct Now {
    const Thread& thread;
    Stamp stamp;
    std::uint64_t cycle;
    bool frees{false};  ///< it gives the bytes back
  };

  bool synchronise(Thread& thread, std::uint32_t address, bool write);
  void bad_state(const Now& now, std::uint32_t address, std::uint8_t mask, bool write,
                 std::uint32_t states);
  void report(Kind kind, const Now& now, std::uint32_t address, std::uint32_t bytes, bool write,
              const std::string& text);
  void race(std::vector<Thread>* threads, const Now& now, std::uint32_t address, bool write,
            const Conflict& conflict, bool same_value);
  Severity judge(std::vector<Thread>* threads, const Now& now, std::uint32_t address, bool write,
                 const Conflict& conflict, bool same_value, std::string& why);
  void learn(std::vector<Thread>& threads, const Now& now, Stamp store);
  std::uint32_t limit_of(const Now& now, const Rows& rows, bool write);
  bool unnamed(unsigned hart, std::uint32_t address) const;
  void row(const Now& now, std::uint32_t first, std::uint32_t bytes, bool write, bool book);

  Findings& findings_;
  Objects& objects_;
  Context context_;
  Shadow shadow_;
  std::unordered_map<std::uint32_t, SyncWord> words_;
  std::uint64_t event_{0};                 ///< accesses and footprints looked at closely
  std::array<std::uint32_t, 2> values_{};  ///< of the word in hand, before and after
  bool tick_{false};                       ///< the store in hand is that of a flag
};

}  // namespace etude::check
