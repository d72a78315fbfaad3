// SPDX-License-Identifier: Apache-2.0
#include "sim/profile/hart_profile.h"

#include <bit>

#include "models/iss/isa/op.h"

namespace etude {
namespace {

constexpr std::size_t kDeepest = 1024;  ///< frames; more are not followed
constexpr std::uint32_t kVectors = 32;
constexpr std::size_t kMostSpans = 1u << 20;

bool is_link(unsigned reg) { return reg == 1 || reg == 5; }

}  // namespace

void HartProfile::booked(const Core& core) {
  const History& history = core.history();
  for (std::size_t i = 0; i < history.size(); ++i) {
    const History::Entry entry = history.at(i);
    switch (entry.kind) {
      case History::Kind::kStall:
        waited(static_cast<StallReason>(entry.code), entry.cycles);
        break;
      case History::Kind::kRetired:
        step(core, entry.pc, static_cast<TimingClass>(entry.code) == TimingClass::kIllegal);
        break;
      case History::Kind::kStraight:
        straight(core, entry.pc, entry.cycles);
        break;
    }
  }
}

void HartProfile::waited(StallReason why, std::uint64_t cycles) {
  if (cycles != 0) {
    waits_[static_cast<unsigned>(why)] += cycles;
    waiting_for_ |= 1u << static_cast<unsigned>(why);
  }
}

void HartProfile::use_page(std::uint32_t number) {
  std::unique_ptr<Page>& page = pages_[number];
  if (page == nullptr) {
    page = std::make_unique<Page>();
  }
  page_ = page.get();
  page_number_ = number;
}

void HartProfile::look_at(const Core& core, std::uint32_t pc, Slot& slot) {
  slot = Slot{};
  slot.function = map_.function(pc);
  slot.length = 2;
  const Instr* const instr = core.instruction(pc);
  if (instr == nullptr) {
    return;
  }
  slot.length = instr->length;
  switch (instr->op) {
    case Op::kJal:
      slot.flow = is_link(instr->rd) ? Flow::kCall : Flow::kNone;
      break;
    case Op::kJalr:
      slot.flow = is_link(instr->rd)                      ? Flow::kCall
                  : instr->rd == 0 && is_link(instr->rs1) ? Flow::kReturn
                                                          : Flow::kNone;
      break;
    case Op::kMret:
      slot.flow = Flow::kMret;
      break;
    case Op::kFenceI:
      slot.flow = Flow::kFenceI;
      break;
    case Op::kSlti:
      if (instr->rd == 0 && instr->rs1 == 0 && instr->imm >= 0) {
        slot.flow = Flow::kRegion;
        slot.region = static_cast<std::uint16_t>(instr->imm);
      }
      break;
    default:
      break;
  }
}

void HartProfile::charge_waits(Page& page, std::uint32_t slot) {
  if (page.stalls == nullptr) {
    page.stalls = std::make_unique<std::array<std::uint64_t, kStallReasons>[]>(2048);
  }
  for (std::uint32_t left = waiting_for_; left != 0; left &= left - 1) {
    const auto r = static_cast<unsigned>(std::countr_zero(left));
    page.stalls[slot][r] += waits_[r];
    total_.stalls[r] += waits_[r];
    clock_ += waits_[r];
    waits_[r] = 0;
  }
  waiting_for_ = 0;
}

// Instructions from `pc` on leave the pipeline, one each cycle; the first may have waited.
inline void HartProfile::straight(const Core& core, std::uint32_t pc, std::uint32_t instructions) {
  while (waiting_for_ != 0 || flow_ != Flow::kNone || log_) {
    pc = step(core, pc, false);
    if (--instructions == 0) {
      return;
    }
  }
  Run& run = runs_[(pc >> 1 ^ instructions << 5) % kRuns];
  if ((run.pc == pc && run.instructions == instructions && run.function == function_) ||
      find_run(core, pc, instructions, run)) [[likely]] {
    ++run.count;
    total_.busy += instructions;
    clock_ += instructions;
    flow_ = run.flow;
    last_pc_ = run.last;
    next_pc_ = run.next;
    return;
  }
  for (; instructions != 0; --instructions) {
    pc = step(core, pc, false);
  }
}

// Puts the instructions into `run`, whose old ones are spread. False if they have to be looked at
// one by one.
bool HartProfile::find_run(const Core& core, std::uint32_t pc, std::uint32_t instructions,
                           Run& run) {
  Run found{pc, instructions, function_, pc, pc, Flow::kNone, 0};
  for (std::uint32_t n = 0; n < instructions; ++n) {
    if (pc >> 12 != page_number_) {
      use_page(pc >> 12);
    }
    Slot& slot = page_->slot[(pc >> 1) & 2047];
    if (slot.length == 0) {
      look_at(core, pc, slot);
    }
    if (slot.function != function_ || found.flow != Flow::kNone) {
      return false;
    }
    found.flow = slot.flow;
    found.last = pc;
    pc += slot.length;
  }
  found.next = pc;
  spread(run);
  run = found;
  return true;
}

// Counts the instructions of a run one by one.
void HartProfile::spread(Run& run) {
  std::uint32_t pc = run.pc;
  for (std::uint32_t n = 0; n < run.instructions && run.count != 0; ++n) {
    if (pc >> 12 != page_number_) {
      use_page(pc >> 12);
    }
    const std::uint32_t index = (pc >> 1) & 2047;
    page_->count[index] += run.count;
    pc += page_->slot[index].length;
  }
  run = Run{};
}

void HartProfile::spread_all() {
  for (Run& run : runs_) {
    spread(run);
  }
}

// The hart is at `pc`, on the page that is in use from now on.
inline HartProfile::Slot& HartProfile::come_to(const Core& core, std::uint32_t pc) {
  if (pc >> 12 != page_number_) [[unlikely]] {
    use_page(pc >> 12);
  }
  Slot& slot = page_->slot[(pc >> 1) & 2047];
  if (slot.length == 0) [[unlikely]] {
    look_at(core, pc, slot);
  }
  if (slot.function != function_ || flow_ != Flow::kNone) [[unlikely]] {
    arrive(core, pc, slot.function);
  }
  return slot;
}

// The instruction at `pc` leaves the pipeline. Returns the address behind it.
inline std::uint32_t HartProfile::step(const Core& core, std::uint32_t pc, bool trapped) {
  const std::uint32_t index = (pc >> 1) & 2047;
  const Slot& slot = come_to(core, pc);
  RetiredInstr retired{pc, 0, 0, StallReason::kCount};
  if (waiting_for_ != 0) {
    if (log_) {
      std::uint64_t most = 0;
      for (unsigned r = 0; r < kStallReasons; ++r) {
        retired.stalls += waits_[r];
        if (waits_[r] > most) {
          most = waits_[r];
          retired.why = static_cast<StallReason>(r);
        }
      }
    }
    charge_waits(*page_, index);
  }
  retired.cycle = clock_;
  ++page_->count[index];
  ++total_.busy;
  ++clock_;
  flow_ = trapped ? Flow::kTrap : slot.flow;
  last_pc_ = pc;
  next_pc_ = pc + slot.length;
  if (log_ && !trapped) {
    log_(core, retired);
  }
  return next_pc_;
}

// The program comes to `pc` in another way than from the instruction before it in the same
// function, or behind one of those that are looked at.
void HartProfile::arrive(const Core& core, std::uint32_t pc, std::uint32_t function) {
  const Flow flow = std::exchange(flow_, Flow::kNone);
  const std::uint32_t vectors = core.state().csr.mtvec & ~3u;
  switch (flow) {
    case Flow::kCall:
      push({0, function, last_pc_, next_pc_, false, false, false, 0, {}}, function);
      break;
    case Flow::kTrap:
      push({0, function, last_pc_, kNowhere, false, true, false, 0, {}}, function);
      break;
    case Flow::kReturn:
      if (!return_to(pc)) {
        jumped(function);
      }
      break;
    case Flow::kMret:
      end_trap();
      break;
    case Flow::kRegion: {
      const std::uint32_t number =
          page_number_ == last_pc_ >> 12
              ? page_->slot[(last_pc_ >> 1) & 2047].region
              : pages_[last_pc_ >> 12]->slot[(last_pc_ >> 1) & 2047].region;
      if (number != 0) {
        begin_region(number);
      } else {
        end_region();
      }
      jumped(function);
      break;
    }
    case Flow::kFenceI:
      spread_all();
      for (auto& [number, page] : pages_) {
        for (Slot& slot : page->slot) {
          slot.length = 0;
        }
      }
      use_page(pc >> 12);
      look_at(core, pc, page_->slot[(pc >> 1) & 2047]);
      jumped(function);
      break;
    case Flow::kNone:
      if (pc != next_pc_ && pc - vectors < 4 * kVectors && (pc & 3u) == 0 && !frames_.empty() &&
          function != top_function()) {
        push({0, function, last_pc_, kNowhere, false, true, false, 0, {}}, function);  // interrupt
      } else {
        jumped(function);
      }
      break;
  }
  function_ = function;
  // A return to somewhere else in the caller than it came from.
  if (top_function() != function) {
    jumped(function);
  }
}

std::uint32_t HartProfile::top_function() const {
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
    if (!frame->region) {
      return frame->function;
    }
  }
  return kNowhere;
}

// The hart is in `function` without having called it.
void HartProfile::jumped(std::uint32_t function) {
  if (top_function() == function) {
    return;
  }
  // Back to one that had jumped away.
  std::size_t tails = 0;
  for (std::size_t i = frames_.size(); i-- > 0;) {
    if (!frames_[i].region && frames_[i].function == function) {
      while (tails-- > 0) {
        pop();
      }
      return;
    }
    ++tails;
    if (!frames_[i].tail && !frames_[i].region) {
      break;
    }
  }
  const std::uint32_t back = frames_.empty() ? kNowhere : frames_.back().return_pc;
  push({0, function, last_pc_, back, !frames_.empty(), false, false, 0, {}}, function);
}

void HartProfile::push(Frame frame, std::uint32_t label) {
  if (frames_.size() >= kDeepest) {
    pop();
  }
  const std::uint32_t parent = top_node();
  const auto [found, is_new] = child_.try_emplace({parent, label}, nodes_.size());
  if (is_new) {
    nodes_.push_back({parent, label, 0});
  }
  frame.node = found->second;
  frame.begin = clock_;
  frame.at_begin = total_;
  settle();
  frames_.push_back(frame);
}

void HartProfile::pop() {
  const Frame& frame = frames_.back();
  if (frames_.size() > 1 && !frame.region) {
    Edge& edge = edges_[{frame.call_pc, frame.function}];
    ++edge.calls;
    edge.inclusive += total_.since(frame.at_begin);
  }
  keep(spans_, frame.begin, nodes_[frame.node].label, frames_.size());
  settle();
  frames_.pop_back();
}

// False if nobody waits for a return to `pc`.
bool HartProfile::return_to(std::uint32_t pc) {
  for (std::size_t i = frames_.size(); i-- > 0;) {
    if (frames_[i].return_pc == pc) {
      while (i > 0 && (frames_[i].tail || frames_[i].region)) {
        --i;  // those that had jumped away return, too
      }
      while (frames_.size() > i) {
        pop();
      }
      return true;
    }
    if (frames_[i].trap) {
      return false;
    }
  }
  return false;
}

void HartProfile::end_trap() {
  for (std::size_t i = frames_.size(); i-- > 0;) {
    if (frames_[i].trap) {
      while (frames_.size() > i) {
        pop();
      }
      return;
    }
  }
}

// What began in cycle `begin` ends now.
void HartProfile::keep(std::vector<Span>& spans, std::uint64_t begin, std::uint32_t label,
                       std::size_t depth) {
  if (!keep_spans_ || clock_ == begin) {
    return;
  }
  if (spans.size() < kMostSpans) {
    spans.push_back({begin, clock_, label, static_cast<std::uint32_t>(depth)});
  } else {
    ++spans_left_out_;
  }
}

// The cycles until now are those of the present node.
void HartProfile::settle() {
  nodes_[top_node()].cycles += clock_ - since_;
  since_ = clock_;
}

void HartProfile::begin_region(std::uint32_t number) {
  const std::uint32_t parent = open_.empty() ? 0 : open_.back().node;
  const auto [found, is_new] = region_child_.try_emplace({parent, number}, regions_.size());
  if (is_new) {
    regions_.push_back({parent, number, 0, {}});
  }
  open_.push_back({found->second, clock_, total_});
  const std::uint32_t back = frames_.empty() ? kNowhere : frames_.back().return_pc;
  const std::uint32_t function = top_function();
  push({0, function, last_pc_, back, true, false, true, 0, {}}, kRegion + number);
}

void HartProfile::end_region() {
  if (open_.empty()) {
    ++unmatched_ends_;
    return;
  }
  const OpenRegion& region = open_.back();
  RegionNode& node = regions_[region.node];
  ++node.passes;
  node.inclusive += total_.since(region.at_begin);
  keep(region_spans_, region.begin, kRegion + node.number, open_.size());
  open_.pop_back();
  // In the chain of calls it ends at once if nothing was called in it that has not returned.
  if (!frames_.empty() && nodes_[frames_.back().node].label == kRegion + node.number) {
    pop();
  }
}

void HartProfile::ended(const Core& core) {
  if (waiting_for_ != 0) {
    come_to(core, core.pc());
    charge_waits(*page_, (core.pc() >> 1) & 2047);
  }
  spread_all();
  settle();
  left_open_ = open_.size();
  while (!open_.empty()) {
    end_region();
  }
  while (!frames_.empty()) {
    pop();
  }
}

void HartProfile::for_each(const std::function<void(std::uint32_t, const Cost&)>& visit) const {
  for (const auto& [number, page] : pages_) {
    for (std::uint32_t i = 0; i < 2048; ++i) {
      Cost cost;
      cost.busy = page->count[i];
      if (page->stalls != nullptr) {
        cost.stalls = page->stalls[i];
      }
      if (cost.cycles() != 0) {
        visit(number << 12 | i << 1, cost);
      }
    }
  }
}

}  // namespace etude
