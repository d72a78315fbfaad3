// SPDX-License-Identifier: Apache-2.0
#include "sim/check/checker.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "models/base/pulp_map_regs.h"
#include "models/base/sim_port_regs.h"
#include "models/event_unit/event_unit_regs.h"

namespace etude::check {
namespace {

constexpr std::uint32_t kByteMasks[16] = {
    0x00000000, 0x000000FF, 0x0000FF00, 0x0000FFFF, 0x00FF0000, 0x00FF00FF, 0x00FFFF00, 0x00FFFFFF,
    0xFF000000, 0xFF0000FF, 0xFF00FF00, 0xFF00FFFF, 0xFFFF0000, 0xFFFF00FF, 0xFFFFFF00, 0xFFFFFFFF};
constexpr unsigned kStackPointer = 2;
// Of CsrState::pulp: 0x7D0 enables the stack check of PULP's cores, 0x7D1 and 0x7D2 bound the
// stack.
constexpr unsigned kStackCheck = 39;

}  // namespace

Checker::Checker(const ElfFile& elf, const ProgramMap& map)
    : elf_(elf), map_(map), memory_(findings_, objects_, context()) {
  objects_.declare(elf, memory_.shadow());
  for (const ElfSegment& segment : elf.segments()) {
    define(segment.base.raw(), static_cast<std::uint32_t>(segment.bytes.size()));
  }
  const std::vector<std::uint32_t>& flags = elf.words_of(".etude.flags");
  for (std::size_t i = 0; i + 2 <= flags.size(); i += 2) {
    memory_.declare_flag(flags[i], flags[i + 1]);
    objects_.use_nameless(flags[i]);
  }
  find_stacks();
}

Checker::~Checker() = default;

// Declared ones, and objects that say by their name or that of their section what they are.
void Checker::find_stacks() {
  const std::vector<std::uint32_t>& declared = elf_.words_of(".etude.stacks");
  for (std::size_t i = 0; i + 3 <= declared.size(); i += 3) {
    for (std::uint32_t n = 0; n < declared[i + 2]; ++n) {
      const std::uint32_t begin = declared[i] + n * declared[i + 1];
      stacks_.declare(begin, declared[i + 1], objects_.describe(begin));
    }
    objects_.name_bytes(declared[i], declared[i + 1] * declared[i + 2]);
  }
  const auto says_stack = [](const std::string& name) {
    return name.find("stack") != std::string::npos;
  };
  for (const ElfObject& object : elf_.objects()) {
    const bool in_section = std::ranges::any_of(elf_.sections(), [&](const ElfSection& s) {
      return s.writable && object.address - s.address < s.size && says_stack(s.name);
    });
    if (object.size >= 64 && (in_section || says_stack(object.name))) {
      stacks_.declare(object.address, object.size, object.name);
    }
  }
  for (const ElfSection& section : elf_.sections()) {
    if (section.writable && says_stack(section.name)) {
      stacks_.declare(section.address, section.size, section.name);
    }
  }
}

Context Checker::context() {
  return {
      [this](Stamp by, bool writes, std::uint32_t at) { return party(by, writes, at); },
      [this](Stamp by) { return engines_->over(by); },
      [this](std::uint32_t pc) { return spins(pc); },
      [this](unsigned hart, std::uint32_t pc, std::uint32_t word,
             const std::array<std::uint32_t, 2>& values) { return waits(hart, pc, word, values); },
      [this](std::uint32_t pc) { return allocators_.contains(map_.enclosing(pc)); },
      [this](unsigned hart) {
        return stacks_.any() ? std::optional(platform_->core(hart).state().r[kStackPointer])
                             : std::nullopt;
      },
      [this](const Thread& work, unsigned hart, std::uint32_t pc, std::uint64_t cycle,
             const Rows& rows, bool write) { posted(work, hart, pc, cycle, rows, write); }};
}

std::vector<AccessObserver*> Checker::begin(Platform& platform) {
  platform_ = &platform;
  waiting_.emplace(platform);
  names_ = platform.hart_names();
  const unsigned harts = platform.harts();
  threads_.resize(harts);
  harts_.resize(harts);
  std::vector<AccessObserver*> observers;
  for (unsigned h = 0; h < harts; ++h) {
    threads_[h].number = h;
    threads_[h].order.acquire(h, threads_[h].clock);
    harts_[h].checker = this;
    harts_[h].number = h;
    observers.push_back(&harts_[h]);
    if (has_hints()) {
      platform.core(h).set_retire_hook(retired, &harts_[h]);
    }
  }
  events_.begin(harts, threads_);
  engines_ = std::make_unique<Engines>(platform, memory_, findings_, context(), threads_);
  return observers;
}

void Checker::accessed(unsigned hart, const Core& core, std::uint64_t cycle, std::uint32_t rdata) {
  const DataAccess& access = core.access();
  if (hint_due_ <= cycle) [[unlikely]] {
    apply_hints(cycle);
  }
  if (!stacks_.fine(hart, core.state().r[kStackPointer])) [[unlikely]] {
    look_at_stack(hart, core, cycle);
  }
  if (core.interrupted() != 0) [[unlikely]] {
    // The event unit's line of an event goes up behind what sent it.
    const std::uint32_t lines = platform_->core(hart).take_interrupted();
    events_.interrupted(hart, lines);
    engines_->noticed(hart, lines);
  }
  if (declared_ != nullptr && !declared_->allows(hart, access.address, access.bytes, access.write))
      [[unlikely]] {
    memory_.told(Kind::kBounds, threads_[hart], core.pc(), cycle, access.address, access.bytes,
                 access.write, declared_->text(hart));
  }
  Shadow::Page* const page = memory_.shadow().find(access.address);
  if (page == nullptr) [[unlikely]] {
    outside(hart, core, cycle, rdata);
    return;
  }
  const std::uint32_t offset = access.address & 0xFFF;
  std::uint8_t mask = 15;
  if (access.bytes != 4) {
    mask = static_cast<std::uint8_t>(((1u << access.bytes) - 1) << (offset & 3));
    if (core.instruction(core.pc())->bytes != access.bytes) [[unlikely]] {
      misaligned(hart, core, cycle);
    }
  }
  const std::uint32_t wide = kByteMasks[mask];
  Thread& thread = threads_[hart];
  const Stamp now = thread.now(core.pc());
  if (page->states(offset, wide) == 0 &&
      memory_.shadow().seen(page->cells[offset >> 2], now, access.write)) [[likely]] {
    if (access.write) {
      std::uint32_t& value = page->value[offset >> 2];
      value = (value & ~wide) | (access.wdata << 8 * (offset & 3) & wide);
    }
    return;
  }
  const Routed routed = platform_->map().route(access.address);
  const std::uint32_t address =
      routed.route == Route::kTcdm ? ETUDE_L1_BASE + routed.offset : access.address;
  memory_.access(threads_, thread, core.pc(), cycle, address, mask, access.write, access.wdata);
}

// The first access to a page of memory, or one to a register.
void Checker::outside(unsigned hart, const Core& core, std::uint64_t cycle, std::uint32_t rdata) {
  const DataAccess& access = core.access();
  const Routed routed = platform_->map().route(access.address);
  RegisterAccess at{hart,         core.pc(),
                    cycle,        routed.offset & ~3u,
                    access.write, access.write ? access.wdata : rdata};
  switch (routed.route) {
    case Route::kTcdm:
      memory_.shadow().alias(access.address, ETUDE_L1_BASE + routed.offset);
      return accessed(hart, core, cycle, rdata);
    case Route::kFlat:
    case Route::kExternal:
      memory_.shadow().page(access.address);
      return accessed(hart, core, cycle, rdata);
    case Route::kTestAndSet:
      return memory_.test_and_set(threads_[hart], ETUDE_L1_BASE + routed.offset, access.write,
                                  rdata);
    case Route::kEventUnit:
      engines_->noticed(hart, events_.answered(hart, access, at.offset & 0x3FC, rdata, cycle));
      if (declared_ != nullptr && !access.write && (at.offset & 0x3FC) == ETUDE_EU_DISPATCH) {
        declared_->popped(hart);
      }
      return;
    case Route::kSimPort:
      return task_list(at);
    case Route::kDmaControl:
      return engines_->cluster_dma(at);
    case Route::kPeripheral: {
      const std::uint32_t block = ETUDE_CLUSTER_PERIPH_BASE + (at.offset & 0x3C00u);
      const std::uint32_t events = at.offset - (ETUDE_EU_PERIPH_BASE - ETUDE_CLUSTER_PERIPH_BASE);
      if (events < 0x800) {
        events_.peripheral(hart, access, events, core.pc(), rdata, cycle);
      } else if (block == ETUDE_HWPE_BASE) {
        at.offset &= 0x3FC;
        engines_->redmule(at);
      }
      return;
    }
    case Route::kSocPeripheral: {
      const std::uint32_t offset = at.offset - (ETUDE_SOC_DMA_BASE - ETUDE_SOC_PERIPH_BASE);
      if (offset < 0x100) {
        at.offset = offset;
        engines_->soc_dma(at);
      }
      return;
    }
    default:
      return;
  }
}

// What the interpreter says of the task list.
void Checker::task_list(const RegisterAccess& access) {
  if (declared_ == nullptr) {
    return;
  }
  if (access.offset == ETUDE_SIM_NEXT_STEP && access.data != 0) {
    declared_->next_pass();
  } else if (access.offset == ETUDE_SIM_OP_BEGIN) {
    declared_->begin(access.data);
  }
}

void Checker::posted(const Thread& work, unsigned hart, std::uint32_t pc, std::uint64_t cycle,
                     const Rows& rows, bool write) {
  if (declared_ == nullptr) {
    return;
  }
  for (std::uint32_t r = 0; r < rows.rows; ++r) {
    const std::uint32_t first = rows.address + r * rows.pitch;
    if (!declared_->allows(hart, first, rows.row_bytes, write)) {
      memory_.told(Kind::kBounds, work, pc, cycle, first, rows.row_bytes, write,
                   declared_->text(hart));
      return;
    }
  }
}

void Checker::asks(unsigned hart, const DataAccess& access, Cycle now) {
  const Routed routed = platform_->map().route(access.address);
  events_.asks(hart, access, routed.offset & 0x3FC, platform_->core(hart).pc(), now.raw());
}

void Checker::look_at_stack(unsigned hart, const Core& core, std::uint64_t cycle) {
  const std::uint32_t sp = core.state().r[kStackPointer];
  const auto& extras = core.state().csr.pulp;
  if (stacks_.of(hart) == nullptr && (extras[kStackCheck] & 1) != 0) {
    const auto [begin, end] = std::minmax(extras[kStackCheck + 1], extras[kStackCheck + 2]);
    if (sp > begin && sp <= end) {
      stacks_.enter(hart, begin, end, sp, objects_.describe(begin));
      objects_.use_nameless(begin);
    }
  }
  if (stacks_.look(hart, sp)) {
    return;
  }
  const Findings::Key key{map_.enclosing(core.pc()), hart, 0};
  if (findings_.again(Kind::kStack, key, Severity::kError, sp, 0, cycle) != nullptr) {
    return;
  }
  const Stacks::Stack& stack = *stacks_.of(hart);
  Finding finding{Kind::kStack, Severity::kError, objects_.describe(sp), sp};
  finding.cycle = finding.event = cycle;
  finding.text = sp < stack.begin ? std::to_string(stack.begin - sp) + " bytes below " + stack.name
                                  : std::to_string(sp - stack.end) + " bytes above " + stack.name;
  finding.text += ", which has " + std::to_string(stack.end - stack.begin);
  Party who = party(threads_[hart].now(core.pc()), core.access().write, sp);
  finding.parties.push_back(std::move(who));
  findings_.add(key, std::move(finding));
}

// Two accesses in place of one, and not at once: told of the first part, once for each function.
void Checker::misaligned(unsigned hart, const Core& core, std::uint64_t cycle) {
  const DataAccess& access = core.access();
  if ((access.address & 3) == 0) {
    return;  // the second part
  }
  const Findings::Key key{map_.enclosing(core.pc()), 0, 0};
  Finding* finding = findings_.again(Kind::kMisaligned, key, Severity::kWarning, 0, 0, cycle);
  if (finding == nullptr) {
    Finding fresh{Kind::kMisaligned, Severity::kWarning, objects_.describe(access.address),
                  access.address, core.instruction(core.pc())->bytes};
    fresh.cycle = fresh.event = cycle;
    fresh.text = "two accesses, a cycle more, not atomic";
    finding = &findings_.add(key, std::move(fresh));
  }
  Party who = party(threads_[hart].now(core.pc()), access.write, access.address);
  if (std::ranges::none_of(finding->parties,
                           [&](const Party& p) { return p.access == who.access; })) {
    finding->parties.push_back(std::move(who));
  }
}

std::string Checker::unit(unsigned thread) const {
  return thread < kHarts          ? names_[thread]
         : thread == kRedmuleLane ? "redmule"
         : thread == kSocDmaLane  ? "soc_dma"
                                  : "dma";
}

Party Checker::party(Stamp by, bool writes, std::uint32_t address) const {
  const unsigned thread = thread_of(by);
  Party out{unit(thread), writes ? "write" : "read", pc_of(by), "", std::uint64_t{1} << thread};
  if (thread < kHarts) {
    if (const Events::Meeting* met = events_.meeting(thread, clock_of(by))) {
      char text[64];
      std::snprintf(text, sizeof text, "last past barrier %u (mask 0x%x)", met->barrier, met->mask);
      out.detail = text;
    }
    return out;
  }
  const Work& work = engines_->work(by);
  out.detail = thread == kRedmuleLane ? "job " + std::to_string(work.number)
                                      : "transfer " + std::to_string(work.number) + " (id " +
                                            std::to_string(work.id) + ")";
  for (std::size_t i = 0; i < work.places.size(); ++i) {
    if ((i == 2 || !writes) && address - work.places[i].address < work.places[i].bytes()) {
      out.detail += std::string(", ") + "XWZ"[i];
      break;
    }
  }
  out.detail += ", posted by " + unit(work.by) + " in cycle " + std::to_string(work.posted);
  return out;
}

std::string Checker::place(std::uint32_t pc) const { return map_.describe_in_function(pc); }

}  // namespace etude::check
