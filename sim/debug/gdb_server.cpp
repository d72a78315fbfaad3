// SPDX-License-Identifier: Apache-2.0
// When the harts are held.
#include "sim/debug/gdb_server.h"

#include <cstdio>
#include <utility>

#include "models/base/error.h"
#include "models/iss/isa/execute.h"
#include "sim/debug/gdb_registers.h"

namespace etude {
namespace {

constexpr unsigned kTrap = 5, kInterrupted = 2, kAborted = 6;  ///< GDB's numbers of signals

}  // namespace

GdbServer::GdbServer(std::uint16_t port, std::function<void(const std::string&)> tell)
    : socket_(port), tell_(std::move(tell)) {
  tell_("waiting for a debugger at 127.0.0.1:" + std::to_string(socket_.port()));
}

void GdbServer::begin(DebugTarget& target) {
  target_ = &target;
  reported_.assign(target.harts(), ~std::uint64_t{0});
  touch_reported_ = shown_behind_ = reported_;
  last_stop_ = stop_reply(0, kTrap, "");
  serve();
}

// Instructions that the hart has left behind.
std::uint64_t GdbServer::done(unsigned hart) const { return target_->hart(hart).busy_cycles(); }

void GdbServer::before(unsigned hart, const DataAccess* access) {
  if (!active_) {
    return;
  }
  const std::uint32_t pc = target_->hart(hart).pc();
  if (stops_before(hart, pc) && reported_[hart] != done(hart)) {
    if (may_tell(hart, "breakpoint", pc) && points_.breaks_at(pc)) {
      reported_[hart] = done(hart);
      stop(hart, kTrap, break_reason(pc));
    }
  }
  const auto touched = access != nullptr ? points_.touched(*access) : std::nullopt;
  if (touched && touch_reported_[hart] != done(hart)) {
    if (may_tell(hart, "watchpoint", touched->address)) {
      touch_reported_[hart] = done(hart);
      const char* const name = touched->kind == StopPoints::Kind::kWrite  ? "watch:"
                               : touched->kind == StopPoints::Kind::kRead ? "rwatch:"
                                                                          : "awatch:";
      stop(hart, kTrap, name + hex_number(touched->address) + ";");
    }
  }
}

// False if GDB waits for another hart, and this one has to go on: GDB takes no news of others until
// that one has made its step. If it has not, or has but stands in front of a breakpoint that it has
// still to reach, it is shown behind it first, and GDB then lets all go on.
bool GdbServer::may_tell(unsigned hart, const char* what, std::uint32_t address) {
  while (active_ && over_ && passes(hart) &&
         (landing_ || shown_behind_[stepping_] != done(stepping_))) {
    const unsigned other = stepping_;
    if (!landing_) {  // where it is, it need not be held any more
      reported_[other] = shown_behind_[other] = done(other);
    }
    shown_pc_ = pc_behind(other);
    stop(other, kTrap, "");
  }
  if (active_ && passes(hart) && (what[0] != 'b' || settled_.breaks_at(address))) {
    tell_(target_->hart_name(hart) + " passes the " + what + " at 0x" + hex_number(address) +
          " while " + target_->hart_name(stepping_) + " goes on alone");
  }
  return active_ && !passes(hart);
}

std::uint32_t GdbServer::length_at(unsigned hart, std::uint32_t pc) const {
  const Instr* const instr = target_->hart(hart).instruction(pc);
  return instr != nullptr ? instr->length : 4u;
}

std::uint32_t GdbServer::behind(unsigned hart) const {
  const std::uint32_t pc = target_->hart(hart).pc();
  return pc + length_at(hart, pc);
}

std::uint32_t GdbServer::next_pc(unsigned hart) const {
  const Core& core = target_->hart(hart);
  const Instr* const instr = core.instruction(core.pc());
  ArchState state = core.state();
  if (instr != nullptr) {
    if (instr->timing == TimingClass::kJal || instr->timing == TimingClass::kJalr) {
      return jump_target(*instr, state);
    }
    if (instr->timing == TimingClass::kBranch && branch_taken(*instr, state)) {
      return core.pc() + static_cast<std::uint32_t>(instr->imm);
    }
  }
  return loop_next(state, behind(hart));
}

// Where the hart's instruction leads to, or behind that the first place without a breakpoint of the
// user's. GDB's own one for the step stands where the step is to end.
std::uint32_t GdbServer::pc_behind(unsigned hart) const {
  std::uint32_t pc = next_pc(hart);
  while (settled_.breaks_at(pc)) {
    pc += length_at(hart, pc);
  }
  return pc;
}

std::uint32_t GdbServer::pc_of(unsigned hart) const {
  return shown_pc_ != Core::kNoPc && hart == shown_hart_ ? shown_pc_ : target_->hart(hart).pc();
}

std::string GdbServer::break_reason(std::uint32_t pc) const {
  return points_.has(StopPoints::Kind::kSoftware, pc) ? (says_swbreak_ ? "swbreak:;" : "")
         : says_hwbreak_ && points_.breaks_at(pc)     ? "hwbreak:;"
                                                      : "";
}

// GDB steps either with `s` or with a breakpoint of its own behind the instruction.
void GdbServer::after(unsigned hart) {
  if (!active_ || hart != stepping_ || done(hart) == step_from_) {
    return;
  }
  const std::uint32_t pc = target_->hart(hart).pc();
  if (!landing_ && settled_.breaks_at(pc) && points_.breaks_at(pc)) {
    landing_ = true;  // it is told of when it is held there
    step_from_ = done(hart);
  } else if (landing_ || !to_breakpoint_ || points_.breaks_at(pc)) {
    reported_[hart] = points_.breaks_at(pc) ? done(hart) : reported_[hart];
    stop(hart, kTrap, break_reason(pc));
  }
}

void GdbServer::poll() {
  if (!active_) {
    return;
  }
  take_bytes(false);
  while (active_ && !reader_.empty()) {
    const PacketReader::Event event = reader_.take();
    if (event.kind == PacketReader::Kind::kInterrupt) {
      return stop(locked_ ? stepping_ : chosen_, kInterrupted, "");
    }
    if (event.kind != PacketReader::Kind::kAgain) {
      complain(event.kind == PacketReader::Kind::kDamaged ? event.text
                                                          : "a command while the program runs");
    }
  }
}

void GdbServer::failed(const std::string& why) {
  if (!active_ || killed_) {
    return;
  }
  send("O" + to_hex(why + "\n"));
  unsigned hart = 0;
  if (std::sscanf(why.c_str(), "hart %u at", &hart) != 1 || hart >= target_->harts()) {
    hart = 0;
  }
  try {
    stop(locked_ ? stepping_ : hart, kAborted, "");
  } catch (const ProgramError&) {
    // Killed: the run ends anyway.
  }
}

void GdbServer::ended(std::optional<int> status) {
  if (active_ && socket_.connected()) {
    char text[16];
    std::snprintf(text, sizeof text, status ? "W%02x" : "X%02x",
                  status ? static_cast<unsigned>(*status) : kAborted);
    send(text);
    socket_.finish();
  }
  active_ = false;
}

std::string GdbServer::stop_reply(unsigned hart, unsigned signal, const std::string& why) const {
  char text[8];
  std::snprintf(text, sizeof text, "T%02x", signal);
  return text + why + "thread:" + hex_number(hart + 1) +
         ";20:" + gdb_registers::one(*target_, hart, gdb_registers::kPc, pc_of(hart)) + ";";
}

// Holds the machine until GDB lets it go on.
void GdbServer::stop(unsigned hart, unsigned signal, const std::string& why) {
  chosen_ = shown_hart_ = hart;
  chosen_step_ = stepping_ = kNobody;
  locked_ = landing_ = false;
  last_stop_ = stop_reply(hart, signal, why);
  send(last_stop_);
  serve();
  shown_pc_ = Core::kNoPc;
}

void GdbServer::serve() {
  running_ = false;
  lifted_.clear();
  while (active_ && !running_) {
    if (reader_.empty()) {
      take_bytes(true);
    } else {
      handle(reader_.take());
    }
  }
  if (killed_) {
    throw ProgramError("killed by the debugger in cycle " + std::to_string(target_->cycle().raw()));
  }
}

void GdbServer::take_bytes(bool wait) {
  const bool was_connected = socket_.connected();
  reader_.feed(socket_.receive(wait));
  for (unsigned n = socket_.take_refused(); n != 0; --n) {
    tell_("a second debugger was sent away");
  }
  if (was_connected && !socket_.connected()) {
    lost();
  }
}

// Who has said nothing yet has only looked whether the port is there.
void GdbServer::lost() {
  reader_ = PacketReader();
  if (talked_) {
    end_session("the debugger is gone; the program goes on without it");
  }
}

void GdbServer::complain(const std::string& what) {
  if (!std::exchange(complained_, true)) {
    tell_("ignored: " + what);
  }
}

void GdbServer::end_session(const std::string& why) {
  active_ = false;
  points_.clear();
  socket_.disconnect();
  tell_(why);
}

}  // namespace etude
