// SPDX-License-Identifier: Apache-2.0
#include "sim/check/memory.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace etude::check {
namespace {

/// A bit for each byte as a byte for each.
constexpr std::uint32_t widened(std::uint8_t mask) {
  std::uint32_t out = 0;
  for (unsigned b = 0; b < 4; ++b) {
    out |= (mask >> b & 1u) != 0 ? 0xFFu << 8 * b : 0;
  }
  return out;
}

constexpr std::uint32_t everywhere(std::uint8_t state) { return state * 0x01010101u; }

/// The bytes of a word whose states have any of `bits`, a bit each.
std::uint8_t bytes_with(std::uint32_t states, std::uint8_t bits) {
  std::uint8_t mask = 0;
  for (unsigned b = 0; b < 4; ++b) {
    mask |= static_cast<std::uint8_t>(((states >> 8 * b) & bits) != 0 ? 1u << b : 0);
  }
  return mask;
}

std::uint32_t first_of(std::uint32_t address, std::uint8_t mask) {
  return (address & ~3u) + static_cast<unsigned>(std::countr_zero(mask));
}

}  // namespace

void Memory::declare_flag(std::uint32_t first, std::uint32_t bytes) {
  for (std::uint32_t word = first & ~3u; word < first + bytes; word += 4) {
    words_[word].flag = true;
  }
  shadow_.mark(first, bytes, kSync, 0);
}

// A word that orders those who touch it. False: it is none.
bool Memory::synchronise(Thread& thread, std::uint32_t address, bool write) {
  const auto found = words_.find(address & ~3u);
  if (found == words_.end()) {
    return false;
  }
  if (write) {
    found->second.order.join(thread.order);
    thread.tick();
  } else if (found->second.flag) {
    thread.order.join(found->second.order);
  }
  return true;
}

// A load that finds 0 has the lock; who stores to the word gives it back.
void Memory::test_and_set(Thread& thread, std::uint32_t address, bool write, std::uint32_t rdata) {
  address &= ~3u;
  SyncWord& word = words_[address];
  shadow_.mark(address, 4, kSync, kUndefined);
  if (write) {
    word.order.join(thread.order);
    thread.tick();
  } else if (rdata == 0) {
    thread.order.join(word.order);
  }
}

void Memory::access(std::vector<Thread>& threads, Thread& thread, std::uint32_t pc,
                    std::uint64_t cycle, std::uint32_t address, std::uint8_t mask, bool write,
                    std::uint32_t data) {
  ++event_;
  Shadow::Page& page = shadow_.page(address);
  const std::uint32_t offset = address & 0xFFF;
  const std::uint32_t wide = widened(mask);
  const std::uint32_t states = page.states(offset, wide);
  const Now now{thread, thread.now(pc), cycle};
  if ((states & everywhere(kSync)) != 0 && synchronise(thread, address, write)) {
    return;
  }
  if (states != 0) {
    bad_state(now, address, mask, write, states);
  }
  if (write && objects_.read_only(address)) [[unlikely]] {
    report(Kind::kBounds, now, first_of(address, mask), static_cast<unsigned>(std::popcount(mask)),
           write, "the section is read-only");
  }
  std::uint32_t& value = page.value[offset >> 2];
  const std::uint32_t stored = data << 8 * (offset & 3);
  const bool same = write && ((value ^ stored) & wide) == 0;
  values_ = {value, write ? (value & ~wide) | (stored & wide) : value};
  shadow_.access(
      page.cells[offset >> 2], thread, now.stamp, mask, write,
      [&](const Conflict& conflict) { race(&threads, now, address, write, conflict, same); });
  if (write) {
    value = (value & ~wide) | (stored & wide);
  }
  if (std::exchange(tick_, false)) {
    thread.tick();
  }
}

// Where no stack is known one may be anywhere.
bool Memory::unnamed(unsigned hart, std::uint32_t address) const {
  const auto sp = context_.stack_pointer(hart);
  return sp && objects_.nameless(address, *sp);
}

void Memory::bad_state(const Now& now, std::uint32_t address, std::uint8_t mask, bool write,
                       std::uint32_t states) {
  if (const std::uint8_t freed = bytes_with(states, kFreed); freed != 0) {
    const std::uint32_t at = first_of(address, freed);
    report(Kind::kFreed, now, at, static_cast<unsigned>(std::popcount(freed)), write, "");
  } else if (const std::uint8_t out = bytes_with(states, kOutside | kUnassigned);
             out != 0 &&
             (bytes_with(states, kOutside) != 0 || !context_.allocates(pc_of(now.stamp)))) {
    const std::uint32_t at = first_of(address, out);
    report(Kind::kBounds, now, at, static_cast<unsigned>(std::popcount(out)), write,
           objects_.distance(at));
  } else if (write && now.thread.number < kHarts && bytes_with(states, kUndefined) != 0 &&
             unnamed(now.thread.number, address)) {
    report(Kind::kBounds, now, first_of(address, mask), static_cast<unsigned>(std::popcount(mask)),
           write, "the program has no name for this memory");
  } else if (!write && bytes_with(states, kUndefined) == mask) {
    report(Kind::kUninit, now, first_of(address, mask), static_cast<unsigned>(std::popcount(mask)),
           write, "nobody has written it");
  }
  if (write || bytes_with(states, kUndefined) == mask) {
    const std::uint32_t at = first_of(address, mask);
    shadow_.mark(at, static_cast<unsigned>(std::popcount(mask)), 0, kUndefined);
  }
}

void Memory::report(Kind kind, const Now& now, std::uint32_t address, std::uint32_t bytes,
                    bool write, const std::string& text) {
  const Findings::Key key{pc_of(now.stamp), 0, write ? 1 : 0};
  if (findings_.again(kind, key, Severity::kError, address, bytes, event_) != nullptr) {
    return;
  }
  Finding finding{kind, Severity::kError, objects_.describe(address), address, bytes};
  finding.cycle = now.cycle;
  finding.text = text;
  finding.event = event_;
  finding.parties.push_back(context_.party(now.stamp, write, address));
  if (const Stamp by = kind == Kind::kFreed ? objects_.freed_by(address) : 0; by != 0) {
    finding.parties.push_back(context_.party(by, true, address));
    finding.parties.back().access = "free";
  }
  findings_.add(key, std::move(finding));
}

// A load of a word that is waited for has seen `store`, or will: what was before that is before
// this on this machine.
void Memory::learn(std::vector<Thread>& threads, const Now& now, Stamp store) {
  Clocks before = threads[thread_of(store)].order.soft;
  before.at[thread_of(store)] = clock_of(store);
  threads[now.thread.number].order.soft.join(before);
}

// How grave it is that nothing orders two accesses.
Severity Memory::judge(std::vector<Thread>* threads, const Now& now, std::uint32_t address,
                       bool write, const Conflict& conflict, bool same_value, std::string& why) {
  const unsigned other = thread_of(conflict.before);
  const bool harts = threads != nullptr && other < kHarts;
  if (harts && write && conflict.before_writes && same_value) {
    why = "same value";
    return Severity::kNote;
  }
  if (harts && conflict.before_writes && !write && context_.spins(pc_of(now.stamp))) {
    learn(*threads, now, conflict.before);
    why = "a loop waits for this word: declare it a flag";
    return Severity::kNote;
  }
  if (harts && !conflict.before_writes && write && context_.spins(pc_of(conflict.before))) {
    tick_ = true;
    why = "a loop waits for this word: declare it a flag";
    return Severity::kNote;
  }
  if (now.thread.order.soft.covers(conflict.before)) {
    why = "ordered by a word alone that a loop waits for";
    return Severity::kNote;
  }
  // Loops of any other shape: by what the hart would do next.
  if (harts && write != conflict.before_writes &&
      context_.waits(write ? other : now.thread.number, pc_of(write ? conflict.before : now.stamp),
                     address & ~3u, values_)) {
    if (write) {
      tick_ = true;
    } else {
      learn(*threads, now, conflict.before);
    }
    why = "a loop waits for this word: declare it a flag";
    return Severity::kNote;
  }
  return Severity::kError;
}

void Memory::race(std::vector<Thread>* threads, const Now& now, std::uint32_t address, bool write,
                  const Conflict& conflict, bool same_value) {
  std::string why;
  const Severity severity = judge(threads, now, address, write, conflict, same_value, why);
  const std::uint32_t at = first_of(address, conflict.bytes);
  const auto bytes = static_cast<unsigned>(std::popcount(conflict.bytes));
  const bool engines[2] = {thread_of(conflict.before) >= kHarts, now.thread.number >= kHarts};
  const Findings::Key key{pc_of(conflict.before), pc_of(now.stamp),
                          (conflict.before_writes ? 1 : 0) | (write ? 2 : 0) |
                              (engines[0] ? 4 : 0) | (engines[1] ? 8 : 0) | (now.frees ? 16 : 0)};
  const bool turned = engines[0] && !engines[1] && !context_.over(conflict.before);
  if (Finding* const known = findings_.again(Kind::kRace, key, severity, at, bytes, event_)) {
    if (severity == Severity::kError) {
      known->text.clear();
    }
    known->parties[0].units |= 1ull << thread_of(turned ? now.stamp : conflict.before);
    known->parties[1].units |= 1ull << thread_of(turned ? conflict.before : now.stamp);
    return;
  }
  Finding finding{Kind::kRace, severity, objects_.describe(at), at, bytes};
  finding.cycle = now.cycle;
  finding.text = why;
  finding.event = event_;
  finding.parties = {context_.party(conflict.before, conflict.before_writes, at),
                     context_.party(now.stamp, write, at)};
  if (now.frees) {
    finding.parties[1].access = "free";
  }
  if (turned) {  // it was posted before, and is still at it
    std::swap(finding.parties[0], finding.parties[1]);
  }
  findings_.add(key, std::move(finding));
}

// An operand lies in one object, if it begins in one. Returns where its bytes end to count: what
// lies behind the object is told here, and is another's.
std::uint32_t Memory::limit_of(const Now& now, const Rows& rows, bool write) {
  const auto holder = objects_.holder(rows.address);
  if (!holder || rows.end() <= holder->end) {
    return static_cast<std::uint32_t>(rows.end());
  }
  const auto over = static_cast<std::uint32_t>(rows.end() - holder->end);
  const Findings::Key key{pc_of(now.stamp), 1, write ? 1 : 0};
  if (findings_.again(Kind::kBounds, key, Severity::kError, holder->end, over, event_) != nullptr) {
    return holder->end;
  }
  const std::string where = holder->buffer
                                ? objects_.describe(holder->end)
                                : holder->name + "+" + std::to_string(holder->end - holder->begin);
  Finding finding{Kind::kBounds, Severity::kError, where, holder->end, over};
  finding.cycle = now.cycle;
  finding.event = event_;
  finding.text = "the footprint " + objects_.describe(rows.address) + ".." +
                 std::to_string(rows.end() - holder->begin - 1) + " leaves " + holder->name +
                 " and reaches " + objects_.describe(holder->end);
  finding.parties.push_back(context_.party(now.stamp, write, rows.address));
  findings_.add(key, std::move(finding));
  return holder->end;
}

void Memory::row(const Now& now, std::uint32_t first, std::uint32_t bytes, bool write, bool book) {
  const std::uint32_t end = first + bytes;
  for (std::uint32_t word = first & ~3u; word < end; word += 4) {
    std::uint8_t mask = 15;
    if (word < first) {
      mask = static_cast<std::uint8_t>(mask & 15u << (first - word));
    }
    if (end - word < 4) {
      mask = static_cast<std::uint8_t>(mask & ((1u << (end - word)) - 1));
    }
    Shadow::Page& page = shadow_.page(word);
    Shadow::Cell& cell = page.cells[(word & 0xFFF) >> 2];
    if (const std::uint32_t states = page.states(word & 0xFFF, widened(mask)); states != 0) {
      bad_state(now, word, mask, write, states);
    }
    if (book) {
      shadow_.access(cell, now.thread, now.stamp, mask, write, [&](const Conflict& conflict) {
        race(nullptr, now, word, write, conflict, false);
      });
    }
  }
}

void Memory::look(Thread& thread, std::uint32_t pc, std::uint64_t cycle, const Rows& rows) {
  ++event_;
  for (std::uint32_t r = 0; r < rows.rows; ++r) {
    row({thread, thread.now(pc), cycle}, rows.address + r * rows.pitch, rows.row_bytes, false,
        false);
  }
}

void Memory::told(Kind kind, const Thread& thread, std::uint32_t pc, std::uint64_t cycle,
                  std::uint32_t address, std::uint32_t bytes, bool write, const std::string& text) {
  ++event_;
  report(kind, {thread, thread.now(pc), cycle}, address, bytes, write, text);
}

void Memory::footprint(Thread& thread, std::uint32_t pc, std::uint64_t cycle, const Rows& rows,
                       bool write) {
  if (rows.bytes() == 0) {
    return;
  }
  ++event_;
  const Now now{thread, thread.now(pc), cycle};
  const std::uint32_t limit = limit_of(now, rows, write);
  if (write && objects_.touches_read_only(rows.address, rows.end())) {
    report(Kind::kBounds, now, rows.address, static_cast<std::uint32_t>(rows.bytes()), true,
           "the section is read-only");
  }
  for (std::uint32_t r = 0; r < rows.rows; ++r) {
    const std::uint32_t first = rows.address + r * rows.pitch;
    const std::uint32_t kept = first < limit ? std::min(rows.row_bytes, limit - first) : 0;
    row(now, first, kept, write, true);
    if (write) {  // what lies behind the limit is written all the same
      shadow_.mark(first + kept, rows.row_bytes - kept, 0, kUndefined);
    }
  }
}

void Memory::given_back(Thread& thread, std::uint32_t pc, std::uint64_t cycle, std::uint32_t first,
                        std::uint32_t bytes) {
  ++event_;
  const Now now{thread, thread.now(pc), cycle, true};
  for (std::uint32_t word = first & ~3u; word < first + bytes; word += 4) {
    std::uint8_t mask = 0;
    for (std::uint32_t b = 0; b < 4; ++b) {
      mask |= static_cast<std::uint8_t>(word + b - first < bytes ? 1u << b : 0);
    }
    shadow_.look(
        shadow_.page(word).cells[(word & 0xFFF) >> 2], thread, mask,
        [&](const Conflict& conflict) { race(nullptr, now, word, true, conflict, false); });
  }
}

void Memory::late_store(Thread& thread, std::uint32_t pc, std::uint64_t cycle,
                        std::uint32_t address, std::uint8_t mask) {
  ++event_;
  const Now now{thread, thread.now(pc), cycle};
  Shadow::Page& page = shadow_.page(address);
  shadow_.access(
      page.cells[(address & 0xFFF) >> 2], thread, now.stamp, mask, true,
      [&](const Conflict& conflict) { race(nullptr, now, address, true, conflict, false); });
}

}  // namespace etude::check
