// SPDX-License-Identifier: Apache-2.0
#include "compiler/order/dependences.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "compiler/order/chains.h"
#include "compiler/order/step_graph.h"

namespace etude::compiler {

namespace {

/// Accesses to one memory that a later one may have to wait for, found by address: each stands in
/// the list of every stretch of addresses that it reaches into.
class Seen {
 public:
  /// Prepares for all accesses that will come: `first` and `end` of their addresses, `mean` bytes
  /// from begin to end of one.
  void prepare(std::uint32_t first, std::uint32_t end, std::uint32_t mean) {
    constexpr std::uint32_t kMostStretches = 4096;
    first_ = first;
    shift_ = std::bit_width(std::max(mean, (end - first) / kMostStretches));
    heads_.assign(((end - first) >> shift_) + 1, {kNone, kNone, kNone, kNone});
  }

  /// Calls found(operation, access) for everything that overlaps the stretches of `access`; reads
  /// only if it is a write. What later writes have replaced byte for byte is forgotten where its
  /// operation is before `old`: chains lead from it to whoever comes now. The rest of that is left
  /// out where left_out(operation) says so; null: all of it is.
  template <class Found, class LeftOut>
  void each_near(const Access& access, std::uint32_t old, const Found& found,
                 const LeftOut* left_out) {
    const std::uint32_t begin = access.address, end = access.end();
    const unsigned last = access.write ? kReads : kWrites;
    for (std::uint32_t s = stretch(begin); s <= stretch(end - 1); ++s) {
      for (unsigned kind = kWrites; kind <= last; ++kind) {
        std::uint32_t* link = &heads_[s][kind];
        while (*link != kNone) {
          Link& at = links_[*link];
          Entry& entry = entries_[at.entry];
          if (!entry.alive || entry.begin >= entry.end) {
            const std::uint32_t moved = *link;
            *link = at.next;
            if (entry.alive && entry.op >= old) {
              at.next = heads_[s][kReplaced + kind];
              heads_[s][kReplaced + kind] = moved;
            }
            continue;
          }
          if (at.begin < end && begin < at.end) {
            found(entry.op, *entry.access);
            if (access.write) {
              entry.replace(access);
            }
          }
          link = &at.next;
        }
      }
      for (unsigned kind = kWrites; left_out != nullptr && kind <= last; ++kind) {
        std::uint32_t* link = &heads_[s][kReplaced + kind];
        while (*link != kNone) {
          const Link& at = links_[*link];
          const Entry& entry = entries_[at.entry];
          if (!entry.alive || entry.op < old) {
            *link = at.next;
            continue;
          }
          if (at.begin < end && begin < at.end && !(*left_out)(entry.op)) {
            found(entry.op, *entry.access);
          }
          link = &links_[*link].next;
        }
      }
    }
  }

  /// Forgets what lies within a dense write.
  void cover(const Access& access) {
    const std::uint32_t begin = access.address, end = access.end();
    for (std::uint32_t s = stretch(begin); s <= stretch(end - 1); ++s) {
      for (std::uint32_t head : heads_[s]) {
        for (; head != kNone; head = links_[head].next) {
          if (links_[head].begin >= begin && links_[head].end <= end) {
            entries_[links_[head].entry].alive = false;
          }
        }
      }
    }
  }

  /// The access has to stay where it is.
  void add(std::uint32_t op, const Access& access) {
    const std::uint32_t begin = access.address, end = access.end();
    const auto entry = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back({&access, op, begin, end, true});
    for (std::uint32_t s = stretch(begin); s <= stretch(end - 1); ++s) {
      std::uint32_t& head = heads_[s][access.write ? kWrites : kReads];
      links_.push_back({begin, end, entry, head});
      head = static_cast<std::uint32_t>(links_.size() - 1);
    }
  }

 private:
  static constexpr std::uint32_t kNone = ~0u;
  /// Lists of a stretch; behind them the same of what later writes have replaced.
  static constexpr unsigned kWrites = 0, kReads = 1, kReplaced = 2;
  struct Entry {
    const Access* access;
    std::uint32_t op;
    std::uint32_t begin, end;  ///< its bytes outside have been written again
    bool alive;                ///< no dense write has covered it

    /// A later write: of what lies between its begin and end it replaces all or nothing.
    void replace(const Access& write) {
      const std::uint32_t to = write.end();
      if (write.rows > 1 && write.row_bytes < write.pitch) {
        const std::uint32_t shift =
            (access->address % write.pitch + write.pitch - write.address % write.pitch) %
            write.pitch;
        if ((access->rows > 1 && access->pitch != write.pitch) ||
            shift + access->row_bytes > write.row_bytes) {
          return;
        }
      }
      if (write.address <= begin && begin < to) {
        begin = to;
      } else if (write.address < end && end <= to) {
        end = write.address;
      }
    }
  };
  struct Link {
    std::uint32_t begin, end, entry, next;
  };

  std::uint32_t stretch(std::uint32_t address) const { return (address - first_) >> shift_; }

  std::uint32_t first_ = 0;
  int shift_ = 0;
  std::vector<std::array<std::uint32_t, 4>> heads_;  ///< of each stretch
  std::vector<Link> links_;
  std::vector<Entry> entries_;
};

bool touches(const Access& access) { return access.rows != 0 && access.row_bytes != 0; }

std::array<Seen, 3> prepared(const std::vector<PlanOp>& ops) {
  struct Range {
    std::uint32_t first = ~0u, end = 0, count = 0;
    std::uint64_t bytes = 0;
  };
  std::array<Range, 3> ranges;
  for (const PlanOp& op : ops) {
    for (const Access& access : op.accesses) {
      if (touches(access)) {
        Range& range = ranges[static_cast<unsigned>(access.space)];
        range.first = std::min(range.first, access.address);
        range.end = std::max(range.end, access.end());
        range.bytes += access.end() - access.address;
        ++range.count;
      }
    }
  }
  std::array<Seen, 3> seen;
  for (std::size_t space = 0; space < seen.size(); ++space) {
    const Range& range = ranges[space];
    if (range.count != 0) {
      seen[space].prepare(range.first, range.end,
                          static_cast<std::uint32_t>(range.bytes / range.count));
    }
  }
  return seen;
}

/// Goes through the operations: of each one, begin(operation), then for what it may wait for
/// passed(operation) (true: left out) and found(operation), each once, then end(those found, in
/// ascending order). What later writes have replaced is not looked at by a plain range where
/// leaves_replaced_out(), or left_out(operation), says so.
template <class Visitor>
void walk(const std::vector<PlanOp>& ops, Visitor& visitor) {
  std::array<Seen, 3> spaces = prepared(ops);
  const auto seen = [&](const Access& access) -> Seen& {
    return spaces[static_cast<unsigned>(access.space)];
  };
  std::vector<std::uint32_t> mine;
  std::vector<std::uint32_t> found_by(ops.size(), 0);  // 1 + the operation that waits for it
  for (std::uint32_t i = 0; i < ops.size(); ++i) {
    mine.clear();
    visitor.begin(i);
    for (const Access& access : ops[i].accesses) {
      if (touches(access)) {
        const auto found = [&](std::uint32_t op, const Access& other) {
          // What is near shares an address from begin to end: a plain range touches it.
          if (found_by[op] != i + 1 && !visitor.passed(op) &&
              (access.rows == 1 || other.rows == 1 || overlaps(access, other))) {
            found_by[op] = i + 1;
            mine.push_back(op);
            visitor.found(op);
          }
        };
        const auto left_out = [&](std::uint32_t op) { return visitor.left_out(op); };
        const bool plain = access.rows == 1 || access.row_bytes >= access.pitch;
        if (plain && visitor.leaves_replaced_out()) {
          seen(access).each_near(access, visitor.old(), found,
                                 static_cast<decltype(&left_out)>(nullptr));
        } else if (plain) {
          seen(access).each_near(access, visitor.old(), found, &left_out);
        } else {
          const auto none = [](std::uint32_t) { return false; };
          seen(access).each_near(access, visitor.old(), found, &none);
        }
      }
    }
    std::ranges::sort(mine);
    visitor.end(mine);
    for (const Access& access : ops[i].accesses) {
      if (touches(access) && access.write &&
          (access.rows == 1 || access.row_bytes == access.pitch)) {
        seen(access).cover(access);
      }
    }
    for (const Access& access : ops[i].accesses) {
      if (touches(access)) {
        seen(access).add(i, access);
      }
    }
  }
}

/// All of them.
class EveryOne {
 public:
  void begin(std::uint32_t) {}
  std::uint32_t old() const { return 0; }
  bool leaves_replaced_out() const { return false; }
  bool left_out(std::uint32_t) const { return false; }
  bool passed(std::uint32_t) const { return false; }
  void found(std::uint32_t) {}
  void end(const std::vector<std::uint32_t>& mine) { dependences.append(mine); }

  Dependences dependences;
};

/// Those that no chain of others implies.
class Needed {
 public:
  explicit Needed(const std::vector<PlanOp>& ops)
      : chains_(static_cast<std::uint32_t>(ops.size())) {
    dependences.reserve(ops.size());
    queues_.reserve(ops.size());
    for (const PlanOp& op : ops) {
      queues_.push_back(static_cast<std::uint8_t>(queue_of(op)));
    }
  }
  void begin(std::uint32_t op) {
    op_ = op;
    implied_.begin(op);
  }
  std::uint32_t old() const { return 64 * Chains::first_word(op_); }
  /// A plain range that touches what later writes have replaced touches one of these, too, or what
  /// has replaced or covered that: a chain leads from the one through the other. For a transfer
  /// that counts alone where it begins on its own queue.
  bool leaves_replaced_out() const { return !is_dma(queues_[op_]); }
  bool left_out(std::uint32_t before) const { return queues_[before] == queues_[op_]; }
  bool passed(std::uint32_t before) const { return implied_.has(before); }
  void found(std::uint32_t before) {
    // What a transfer waits for in other queues is implied by other queues alone.
    if (!is_dma(queues_[op_]) || queues_[before] != queues_[op_]) {
      implied_.add(before);
    }
  }
  void end(const std::vector<std::uint32_t>& mine) {
    kept_.clear();
    chains_.reduce(op_, mine, is_dma(queues_[op_]), queues_, kept_);
    std::ranges::sort(kept_);
    dependences.append(kept_);
  }

  Dependences dependences;

 private:
  Chains chains_;
  std::vector<std::uint8_t> queues_;
  std::uint32_t op_ = 0;
  Implied implied_{chains_};  ///< by what op_ waits for, as far as is known
  std::vector<std::uint32_t> kept_;
};

}  // namespace

Dependences find_dependences(const std::vector<PlanOp>& ops) {
  EveryOne every_one;
  walk(ops, every_one);
  return std::move(every_one.dependences);
}

Dependences find_needed_dependences(const std::vector<PlanOp>& ops) {
  Needed needed(ops);
  walk(ops, needed);
  return std::move(needed.dependences);
}

}  // namespace etude::compiler
