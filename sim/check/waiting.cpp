// SPDX-License-Identifier: Apache-2.0
#include "sim/check/waiting.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "models/base/pulp_map_regs.h"
#include "models/iss/isa/csr.h"
#include "models/iss/isa/execute.h"

namespace etude::check {
namespace {

constexpr unsigned kFollowed = 3000;  ///< instructions
constexpr unsigned kCandidates = 8;   ///< words of a loop that are tried

/// A hart's instructions on a copy of its registers; what it stores is seen by it alone.
class Walk {
 public:
  struct Visit {
    std::uint32_t pc, address;
    std::uint64_t way;  ///< instructions and accesses since the visit before
  };
  struct Watched {
    std::uint32_t word, value;
  };

  /// Without `watched` each load is a visit, else those of that word, which has that value.
  /// `devices`: their registers read as this; without it they are not followed.
  Walk(Platform& platform, unsigned hart, std::optional<Watched> watched,
       std::optional<std::uint32_t> devices)
      : platform_(platform),
        core_(platform.core(hart)),
        state_(core_.state()),
        watched_(watched),
        devices_(devices) {
    state_.pc = core_.pc();
  }

  /// Goes on until it comes by the same way for the third time, or no further. True: the former;
  /// it may be asked to go on.
  bool loops() {
    while (followed_++ < kFollowed) {
      const std::size_t before = visits_.size();
      if (!step()) {
        return false;
      }
      if (visits_.size() != before && came_thrice()) {
        return true;
      }
    }
    return false;
  }
  /// Behind loops(): the visits of one lap.
  std::vector<Visit> lap() const {
    return {visits_.end() - static_cast<std::ptrdiff_t>(lap_), visits_.end()};
  }
  bool stores_to(std::uint32_t word) const { return stored_.contains(word); }
  /// How often it has come to the load that it came to most often.
  std::size_t most_visits() const {
    std::size_t most = 0;
    for (const Visit& v : visits_) {
      most =
          std::max(most, static_cast<std::size_t>(std::ranges::count(visits_, v.pc, &Visit::pc)));
    }
    return most;
  }

 private:
  struct Place {
    std::uint32_t address;
    bool memory, test_and_set;
  };

  Place place(std::uint32_t address) const {
    const Routed routed = platform_.map().route(address);
    switch (routed.route) {
      case Route::kTcdm:
      case Route::kTestAndSet:
        return {ETUDE_L1_BASE + routed.offset, true, routed.route == Route::kTestAndSet};
      case Route::kExternal:
        return {ETUDE_L2_BASE + routed.offset, true, false};
      case Route::kFlat:
        return {address, true, false};
      default:
        return {address, false, false};
    }
  }

  void way(std::uint32_t what) { way_ = (way_ ^ what) * 0x9E3779B97F4A7C15ull + (way_ >> 29); }

  bool came_thrice() {
    const std::size_t last = visits_.size() - 1;
    std::size_t length = 0;
    for (std::size_t back = 1; back <= last && length == 0; ++back) {
      length = visits_[last - back].pc == visits_[last].pc ? back : 0;
    }
    if (length == 0 || last < 2 * length || visits_[last - 2 * length].pc != visits_[last].pc) {
      return false;
    }
    for (std::size_t i = 0; i < length; ++i) {
      if (visits_[last - i].way != visits_[last - length - i].way) {
        return false;
      }
    }
    lap_ = length;
    return true;
  }

  // The word that holds `word`, a multiple of 4, as this hart sees it.
  std::uint32_t memory_word(std::uint32_t word) {
    if (watched_ && watched_->word == word) {
      return watched_->value;
    }
    const auto own = words_.find(word);
    if (own != words_.end()) {
      return own->second;
    }
    const std::vector<std::uint8_t> four = platform_.read_memory(Address{word}, Bytes{4});
    return four[0] | four[1] << 8 | four[2] << 16 | static_cast<std::uint32_t>(four[3]) << 24;
  }

  bool load(const Instr& instr) {
    const std::uint32_t address = effective_address(instr, state_);
    const Place at = place(address);
    if ((!at.memory || at.test_and_set) && !devices_) {
      return false;
    }
    way(at.address);
    if (!watched_ || watched_->word == (at.address & ~3u)) {
      visits_.push_back({state_.pc, at.address, way_});
      way_ = 0;
    }
    std::uint64_t data = devices_.value_or(0);
    if (at.memory) {
      const std::uint32_t word = at.address & ~3u, offset = at.address & 3;
      data = memory_word(word);
      if (offset + instr.bytes > 4) {
        data |= std::uint64_t{memory_word(word + 4)} << 32;
      }
      data >>= 8 * offset;
      if (at.test_and_set) {
        words_[word] = ~0u;
      }
    } else if (watched_ && watched_->word == (at.address & ~3u)) {
      data = watched_->value;
    }
    post_increment(instr, state_);
    finish_load(instr, state_, static_cast<std::uint32_t>(data));
    return true;
  }

  bool store(const Instr& instr) {
    const Place at = place(effective_address(instr, state_));
    if ((!at.memory || at.test_and_set) && !devices_) {
      return false;
    }
    way(~at.address);
    const std::uint32_t value = store_value(instr, state_);
    for (unsigned b = 0; at.memory && b < instr.bytes; ++b) {
      const std::uint32_t word = (at.address + b) & ~3u, shift = 8 * ((at.address + b) & 3);
      if (watched_ && watched_->word == word) {
        return false;
      }
      const std::uint32_t old = memory_word(word);
      words_[word] = (old & ~(0xFFu << shift)) | (value >> 8 * b & 0xFF) << shift;
      stored_.insert(word);
    }
    post_increment(instr, state_);
    return true;
  }

  bool step() {
    const Instr* const instr = core_.instruction(state_.pc);
    if (instr == nullptr || instr->length == 0 || illegal_now(*instr, state_)) {
      return false;
    }
    way(state_.pc);
    switch (instr->timing) {
      case TimingClass::kLoad:
      case TimingClass::kEventLoad:
        if (!load(*instr)) {
          return false;
        }
        break;
      case TimingClass::kStore:
        if (!store(*instr)) {
          return false;
        }
        break;
      case TimingClass::kBranch:
        if (branch_taken(*instr, state_)) {
          state_.pc += static_cast<std::uint32_t>(instr->imm);
          return true;
        }
        break;
      case TimingClass::kJal:
      case TimingClass::kJalr:
        state_.pc = jump(*instr, state_);
        return true;
      case TimingClass::kCsr:
        if (csr_access(*instr, state_, {}) == CsrResult::kIllegal) {
          return false;
        }
        break;
      case TimingClass::kSystem:
        if (instr->op != Op::kWfi) {
          return false;
        }
        break;
      case TimingClass::kFence:
        break;
      case TimingClass::kIllegal:
        return false;
      default:
        execute(*instr, state_);
        break;
    }
    state_.pc = loop_next(state_, state_.pc + instr->length);
    return true;
  }

  Platform& platform_;
  const Core& core_;
  ArchState state_;
  std::optional<Watched> watched_;
  std::optional<std::uint32_t> devices_;
  std::unordered_map<std::uint32_t, std::uint32_t> words_;
  std::unordered_set<std::uint32_t> stored_;
  std::vector<Visit> visits_;
  std::uint64_t way_{0};
  std::size_t lap_{0};
  unsigned followed_{0};
};

std::vector<std::uint32_t> values_around(std::uint32_t a, std::uint32_t b) {
  return {a, b, 0, 1, ~0u, b + 1, b - 1, ~b};
}

}  // namespace

std::optional<std::uint32_t> Waiting::waits(unsigned hart, std::uint32_t word,
                                            const std::array<std::uint32_t, 2>& values) {
  std::optional<std::uint32_t> at;
  bool leaves = false;
  for (const std::uint32_t value : values_around(values[0], values[1])) {
    Walk walk(platform_, hart, Walk::Watched{word, value}, std::nullopt);
    if (walk.loops()) {
      at = at ? at : walk.lap().back().pc;
    } else {
      leaves = leaves || walk.most_visits() <= 3;
    }
    if (at && leaves) {
      return at;
    }
  }
  return std::nullopt;
}

std::optional<Waiting::Spin> Waiting::spins(unsigned hart) {
  for (const std::uint32_t devices : {0u, ~0u}) {
    Walk walk(platform_, hart, std::nullopt, devices);
    std::vector<std::uint32_t> tried;
    while (walk.loops()) {  // an inner loop first, it may be
      for (const Walk::Visit& visit : walk.lap()) {
        const std::uint32_t word = visit.address & ~3u;
        if (walk.stores_to(word) || std::ranges::find(tried, word) != tried.end() ||
            tried.size() == kCandidates) {
          continue;
        }
        tried.push_back(word);
        for (const std::uint32_t value : values_around(0, ~0u)) {
          Walk other(platform_, hart, Walk::Watched{word, value}, devices);
          if (!other.loops() && other.most_visits() <= 3) {
            return Spin{visit.pc, visit.address};
          }
        }
      }
    }
  }
  return std::nullopt;
}

}  // namespace etude::check
