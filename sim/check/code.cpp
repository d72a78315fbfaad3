// SPDX-License-Identifier: Apache-2.0
// What the checker reads from the program's instructions: marks of buffers, loops that wait.
#include <algorithm>
#include <cstring>

#include "sim/check/checker.h"

namespace etude::check {
namespace {

// RV32I HINTs for custom use: `slt x0, p, n` gives [p, p + n) out, `sltu x0, p, p` takes it back.
constexpr std::uint32_t kHintMask = 0xFE007FFF;
constexpr std::uint32_t kGive = 0x00002033;
constexpr std::uint32_t kTakeBack = 0x00003033;
constexpr std::uint32_t rs1_of(std::uint32_t word) { return word >> 15 & 31; }
constexpr std::uint32_t rs2_of(std::uint32_t word) { return word >> 20 & 31; }

constexpr bool is_hint(std::uint32_t word) {
  return rs1_of(word) != 0 && ((word & kHintMask) == kGive ||
                               ((word & kHintMask) == kTakeBack && rs1_of(word) == rs2_of(word)));
}

constexpr unsigned kTries = 24;        ///< of a load, whatever the words: few races are waits
constexpr unsigned kLongestWait = 12;  ///< instructions of a loop that waits for a word

}  // namespace

bool Checker::has_hints() const {
  return std::ranges::any_of(elf_.segments(), [](const ElfSegment& segment) {
    for (std::size_t i = 0; i + 4 <= segment.bytes.size(); i += 2) {
      std::uint32_t word;
      std::memcpy(&word, &segment.bytes[i], 4);
      if (is_hint(word)) {
        return true;
      }
    }
    return false;
  });
}

void Checker::retired(void* context, const Core& core, const Retired& retired) {
  const std::uint32_t word = retired.instr->word;
  if (retired.instr->length != 4 || !is_hint(word)) {
    return;
  }
  const Hart& hart = *static_cast<const Hart*>(context);
  Checker& checker = *hart.checker;
  const bool release = (word & kHintMask) == kTakeBack;
  const std::uint32_t begin = core.state().r[rs1_of(word)];
  const Hint hint{retired.enter.raw(),
                  hart.number,
                  retired.pc,
                  begin,
                  release ? 0 : core.state().r[rs2_of(word)],
                  release};
  // A core may be ahead of others.
  checker.hints_.insert(std::ranges::upper_bound(checker.hints_, hint.cycle, {}, &Hint::cycle),
                        hint);
  checker.hint_due_ = checker.hints_.front().cycle;
}

void Checker::apply_hints(std::uint64_t cycle) {
  while (!hints_.empty() && hints_.front().cycle <= cycle) {
    const Hint hint = hints_.front();
    hints_.pop_front();
    allocators_.insert(map_.enclosing(hint.pc));
    const Stamp by = threads_[hint.hart].now(hint.pc);
    const auto buffer = objects_.holder(hint.begin);
    if (hint.release && buffer && buffer->buffer && buffer->begin == hint.begin) {
      memory_.given_back(threads_[hint.hart], hint.pc, hint.cycle, hint.begin,
                         buffer->end - buffer->begin);
    }
    if (!hint.release) {
      objects_.allocate(hint.begin, hint.bytes, memory_.shadow());
    } else if (!objects_.release(hint.begin, by, memory_.shadow())) {
      Finding finding{Kind::kFreed, Severity::kError, objects_.describe(hint.begin), hint.begin};
      finding.cycle = hint.cycle;
      finding.text = "no buffer that is in use begins here";
      finding.parties.push_back(party(by, true, hint.begin));
      finding.parties.back().access = "free";
      const Findings::Key key{hint.pc, 4, 0};
      if (findings_.again(Kind::kFreed, key, Severity::kError, 0, 0, hint.cycle) == nullptr) {
        findings_.add(key, std::move(finding));
      }
    }
  }
  hint_due_ = hints_.empty() ? ~std::uint64_t{0} : hints_.front().cycle;
}

bool Checker::spins(std::uint32_t pc) {
  const auto [found, is_new] = spinning_.try_emplace(pc, false);
  if (is_new) {
    found->second = is_spin_loop(pc);
  }
  return found->second;
}

// A load that has waited for a word once does so for good, and so does one in the same wait.
bool Checker::waits(unsigned hart, std::uint32_t pc, std::uint32_t word,
                    const std::array<std::uint32_t, 2>& values) {
  const std::pair load{pc, word};
  if (waits_.contains(load)) {
    return true;
  }
  unsigned& tries = tried_[pc];
  if (tries == kTries) {
    return false;
  }
  ++tries;
  const auto loop = waiting_->waits(hart, word, values);
  if (loop) {
    waits_.insert({load, {*loop, word}});
  }
  return loop.has_value();
}

// A load, and a few instructions on a branch back to it or before, in between no other access and
// nothing that changes where it loads from.
bool Checker::is_spin_loop(std::uint32_t pc) const {
  const Core& core = platform_->core(0);
  const Instr* const load = core.instruction(pc);
  if (load == nullptr || load->timing != TimingClass::kLoad || load->has(kPostIncrement)) {
    return false;
  }
  const auto harmless = [&](const Instr& instr, std::uint32_t at) {
    const bool fixed = (instr.word & 0x7F) == 0x37 || (instr.word & 0x7F) == 0x17;  // lui, auipc
    const bool moves = at != pc && instr.d == load->a && !fixed;
    return !moves && instr.timing != TimingClass::kStore && instr.timing != TimingClass::kJalr &&
           (at == pc || instr.timing != TimingClass::kLoad);
  };
  std::uint32_t branch = pc;
  for (unsigned i = 0; i < kLongestWait; ++i) {
    const Instr* const instr = core.instruction(branch);
    if (instr == nullptr || !harmless(*instr, branch)) {
      return false;
    }
    const std::uint32_t target = branch + static_cast<std::uint32_t>(instr->imm);
    const bool jumps = instr->timing == TimingClass::kBranch || instr->timing == TimingClass::kJal;
    if (jumps && target <= pc && pc - target <= 4 * kLongestWait) {
      for (std::uint32_t at = target; at < pc;) {
        const Instr* const before = core.instruction(at);
        if (before == nullptr || before->length == 0 || !harmless(*before, at)) {
          return false;
        }
        at += before->length;
      }
      return true;
    }
    if (instr->timing == TimingClass::kJal) {
      return false;
    }
    branch += instr->length;
  }
  return false;
}

}  // namespace etude::check
