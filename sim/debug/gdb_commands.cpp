// SPDX-License-Identifier: Apache-2.0
// What GDB asks for while the machine stands still (manual of GDB, appendix E).
#include <algorithm>
#include <cstdio>

#include "models/iss/core/core.h"
#include "sim/debug/gdb_registers.h"
#include "sim/debug/gdb_server.h"

namespace etude {
namespace {

constexpr std::uint64_t kPacketSize = 0x4000;
constexpr const char* kWrong = "E01";       ///< not understood
constexpr const char* kNotThere = "E0e";    ///< no memory, no register
constexpr std::uint64_t kEnd = 1ull << 32;  ///< of addresses

}  // namespace

void GdbServer::send(std::string_view contents) {
  last_sent_ = framed(contents);
  socket_.send(last_sent_);
  if (!socket_.connected() && active_) {
    lost();
  }
}

void GdbServer::handle(const PacketReader::Event& event) {
  switch (event.kind) {
    case PacketReader::Kind::kInterrupt:
      break;  // it is held already
    case PacketReader::Kind::kAgain:
      socket_.send(last_sent_);
      break;
    case PacketReader::Kind::kDamaged:
      complain(event.text);
      if (!no_ack_) {
        socket_.send("-");
      }
      break;
    case PacketReader::Kind::kPacket:
      talked_ = true;
      if (!no_ack_) {
        socket_.send("+");
      }
      if (const auto text = answer(event.text)) {
        send(*text);
      }
      no_ack_ = no_ack_ || event.text == "QStartNoAckMode";
      if (killed_) {
        active_ = false;
        socket_.disconnect();
      } else if (event.text.starts_with("D")) {
        end_session("the debugger lets go; the program goes on without it");
      }
      break;
  }
}

// Nothing: the answer is the next stop.
std::optional<std::string> GdbServer::answer(std::string_view packet) {
  if (packet.empty()) {
    return "";
  }
  const HexText text(packet.substr(1));
  switch (packet[0]) {
    case '?':
      return last_stop_;
    case 'g':
      return gdb_registers::all(*target_, chosen_, pc_of(chosen_));
    case 'G':
      return write_registers(text.rest());
    case 'p':
      return read_register(text);
    case 'P':
      return write_register(text);
    case 'm':
      return read_memory(text);
    case 'M':
      return write_memory(text, false);
    case 'X':
      return write_memory(text, true);
    case 'H':
      return choose_thread(text.rest());
    case 'T': {
      HexText thread = text;
      return hart_of(thread, kNobody) && thread.at_end() ? "OK" : kWrong;
    }
    case 'c':
    case 's':
      return go_on(text, packet[0] == 's', false);
    case 'C':
    case 'S':
      return go_on(text, packet[0] == 'S', true);
    case 'D':
      return "OK";
    case 'k':
      killed_ = true;
      return std::nullopt;
    case 'z':
    case 'Z':
      return stop_point(text, packet[0] == 'Z');
    case 'v':
      return multi(packet);
    case 'q':
    case 'Q':
      return query(packet);
    default:
      return "";  // not supported
  }
}

std::optional<unsigned> GdbServer::hart_of(HexText& text, unsigned any) const {
  std::uint64_t thread = 0;
  if (text.skip("-1")) {
    return any;
  }
  if (!text.number(thread) || thread > target_->harts() || (thread == 0 && any == kNobody)) {
    return std::nullopt;
  }
  return thread == 0 ? any : static_cast<unsigned>(thread - 1);
}

std::string GdbServer::read_memory(HexText text) {
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
  if (!text.number(address) || !text.skip(",") || !text.number(bytes) || !text.at_end() ||
      address >= kEnd) {
    return kWrong;
  }
  bytes = std::min({bytes, kPacketSize / 2, kEnd - address});
  const Address from{static_cast<std::uint32_t>(address)};
  auto data = bytes != 0 ? target_->read(from, Bytes{bytes}) : std::vector<std::uint8_t>{};
  if (!data) {  // perhaps its beginning is there
    data.emplace();
    for (std::uint64_t i = 0; i < bytes; ++i) {
      const auto byte = target_->read(Address{static_cast<std::uint32_t>(address + i)}, Bytes{1});
      if (!byte) {
        break;
      }
      data->push_back(byte->front());
    }
    if (data->empty()) {
      return kNotThere;
    }
  }
  return to_hex({reinterpret_cast<const char*>(data->data()), data->size()});
}

std::string GdbServer::write_memory(HexText text, bool binary) {
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
  if (!text.number(address) || !text.skip(",") || !text.number(bytes) || !text.skip(":")) {
    return kWrong;
  }
  std::string data;
  if (binary) {
    data = text.rest();
  } else if (!from_hex(text.rest(), data)) {
    return kWrong;
  }
  if (data.size() != bytes || address + bytes > kEnd) {
    return kWrong;
  }
  return data.empty() ||
                 target_->write(Address{static_cast<std::uint32_t>(address)},
                                {reinterpret_cast<const std::uint8_t*>(data.data()), data.size()})
             ? "OK"
             : kNotThere;
}

std::string GdbServer::read_register(HexText text) {
  std::uint64_t number = 0;
  if (!text.number(number) || !text.at_end()) {
    return kWrong;
  }
  const std::string value = gdb_registers::one(*target_, chosen_, number, pc_of(chosen_));
  return value.empty() ? kNotThere : value;
}

namespace {
// Four bytes, little-endian.
std::optional<std::uint32_t> word_of(std::string_view hex) {
  std::string bytes;
  if (hex.size() != 8 || !from_hex(hex, bytes)) {
    return std::nullopt;
  }
  std::uint32_t value = 0;
  for (unsigned i = 0; i < 4; ++i) {
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return value;
}
}  // namespace

std::string GdbServer::write_register(HexText text) {
  std::uint64_t number = 0;
  if (!text.number(number) || !text.skip("=")) {
    return kWrong;
  }
  const auto value = word_of(text.rest());
  if (!value) {
    return kWrong;
  }
  return gdb_registers::write(*target_, chosen_, number, *value) ? "OK" : kNotThere;
}

std::string GdbServer::write_registers(std::string_view text) {
  const unsigned count = gdb_registers::count_of_all(*target_);
  std::vector<std::uint32_t> values;
  for (unsigned n = 0; n < count && text.size() == 8 * count; ++n) {
    if (const auto value = word_of(text.substr(8 * n, 8))) {
      values.push_back(*value);
    }
  }
  if (values.size() != count) {
    return kWrong;
  }
  for (unsigned n = 0; n < count; ++n) {
    // Only what changes: a program counter that stays is no jump.
    if (word_of(gdb_registers::one(*target_, chosen_, n, pc_of(chosen_))) != values[n] &&
        !gdb_registers::write(*target_, chosen_, n, values[n])) {
      return kNotThere;
    }
  }
  return "OK";
}

std::string GdbServer::choose_thread(std::string_view text) {
  if (text.empty() || (text[0] != 'g' && text[0] != 'c')) {
    return kWrong;
  }
  HexText thread(text.substr(1));
  const bool general = text[0] == 'g';
  const auto hart = hart_of(thread, general ? chosen_ : target_->harts());
  if (!hart || !thread.at_end()) {
    return kWrong;
  }
  if (general) {
    chosen_ = *hart;
  } else {
    chosen_step_ = *hart == target_->harts() ? kNobody : *hart;
  }
  return "OK";
}

std::string GdbServer::stop_point(HexText text, bool insert) {
  std::uint64_t kind = 0;
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
  if (!text.number(kind) || !text.skip(",") || !text.number(address) || !text.skip(",") ||
      !text.number(bytes) || address >= kEnd || bytes > kEnd - address) {
    return kWrong;
  }
  if (kind > 4) {
    return "";
  }
  if (kind >= 2 && bytes == 0) {
    return kWrong;
  }
  const auto which = static_cast<StopPoints::Kind>(kind);
  const auto at = static_cast<std::uint32_t>(address);
  if (insert) {
    points_.add(which, at, static_cast<std::uint32_t>(bytes));
  } else {
    if (points_.breaks_at(at)) {
      lifted_.insert(at);
    }
    points_.remove(which, at, static_cast<std::uint32_t>(bytes));
  }
  return "OK";
}

// Lets the machine go on, all harts.
void GdbServer::run(unsigned stepping, bool to_breakpoint, bool locked) {
  // GDB steps a thread alone to get over a breakpoint. Else it is a user who wants one thread to go
  // on (scheduler-locking): the others are not held then.
  over_ = locked && (!to_breakpoint || points_.breaks_at(behind(stepping)) ||
                     points_.breaks_at(next_pc(stepping)));
  stepping_ = stepping;
  to_breakpoint_ = to_breakpoint;
  locked_ = locked;
  landing_ = false;
  step_from_ = stepping != kNobody ? done(stepping) : 0;
  if (!locked) {
    settled_ = points_;
  }
  running_ = true;
}

// The old commands for one thread: c, s, C, S.
std::optional<std::string> GdbServer::go_on(HexText text, bool step, bool signal) {
  std::uint64_t number = 0;
  const unsigned hart = chosen_step_ != kNobody ? chosen_step_ : chosen_;
  if (signal && (!text.number(number) || (!text.at_end() && !text.skip(";")))) {
    return kWrong;
  }
  if (!text.at_end()) {
    if (!text.number(number) || !text.at_end() || number >= kEnd) {
      return kWrong;
    }
    if (!target_->set_pc(hart, static_cast<std::uint32_t>(number))) {
      return kNotThere;
    }
  }
  run(step ? hart : kNobody, false, false);
  return std::nullopt;
}

std::optional<std::string> GdbServer::multi(std::string_view packet) {
  if (packet == "vCont?") {
    return "vCont;c;C;s;S";
  }
  if (packet.starts_with("vCont;")) {
    return resume(packet.substr(5));
  }
  if (packet.starts_with("vKill")) {
    killed_ = true;
    return "OK";
  }
  return "";
}

// vCont: for each thread the first action that names it. One thread alone is what GDB does to get
// over a breakpoint.
std::optional<std::string> GdbServer::resume(std::string_view actions) {
  HexText text(actions);
  const unsigned all = target_->harts();
  unsigned count = 0;
  unsigned first = all;
  bool first_steps = false;
  while (text.skip(";")) {
    const bool step = text.rest().starts_with("s") || text.rest().starts_with("S");
    const bool signal = text.rest().starts_with("C") || text.rest().starts_with("S");
    std::uint64_t number = 0;
    if (!(text.skip("c") || text.skip("C") || text.skip("s") || text.skip("S")) ||
        (signal && !text.number(number))) {
      return kWrong;
    }
    std::optional<unsigned> hart = all;
    if (text.skip(":")) {
      hart = hart_of(text, all);
    }
    if (!hart) {
      return kWrong;
    }
    if (count++ == 0) {
      first = *hart;
      first_steps = step;
    }
  }
  if (!text.at_end() || count == 0) {
    return kWrong;
  }
  const bool alone = count == 1 && first != all;
  const unsigned hart = first == all ? chosen_ : first;
  run(first_steps || alone ? hart : kNobody, !first_steps, alone);
  return std::nullopt;
}

std::string GdbServer::query(std::string_view packet) {
  const auto behind = [&](std::string_view name) { return packet.substr(name.size()); };
  if (packet.starts_with("qSupported")) {
    says_swbreak_ = packet.find("swbreak+") != packet.npos;
    says_hwbreak_ = packet.find("hwbreak+") != packet.npos;
    return "PacketSize=" + hex_number(kPacketSize) +
           ";qXfer:features:read+;qXfer:threads:read+;QStartNoAckMode+;swbreak+;hwbreak+;"
           "vContSupported+";
  }
  if (packet == "QStartNoAckMode" || packet == "qSymbol::") {
    return "OK";
  }
  if (packet == "qAttached") {
    return "1";  // to quit is to let go
  }
  if (packet == "qC") {
    return "QC" + hex_number(chosen_ + 1);
  }
  if (packet == "qfThreadInfo") {
    std::string text;
    for (unsigned h = 0; h < target_->harts(); ++h) {
      text += (h == 0 ? "m" : ",") + hex_number(h + 1);
    }
    return text;
  }
  if (packet == "qsThreadInfo") {
    return "l";
  }
  constexpr std::string_view kExtra = "qThreadExtraInfo,";
  if (packet.starts_with(kExtra)) {
    HexText text(behind(kExtra));
    const auto hart = hart_of(text, kNobody);
    return hart && text.at_end() && *hart < target_->harts() ? to_hex(extra_text(*hart)) : kWrong;
  }
  constexpr std::string_view kFeatures = "qXfer:features:read:target.xml:";
  if (packet.starts_with(kFeatures)) {
    return transfer(gdb_registers::target_xml(*target_), HexText(behind(kFeatures)));
  }
  constexpr std::string_view kThreads = "qXfer:threads:read::";
  if (packet.starts_with(kThreads)) {
    return transfer(threads_xml(), HexText(behind(kThreads)));
  }
  constexpr std::string_view kMonitor = "qRcmd,";
  return packet.starts_with(kMonitor) ? monitor(behind(kMonitor)) : "";
}

// A piece of `whole`, from an offset on.
std::string GdbServer::transfer(std::string_view whole, HexText range) const {
  std::uint64_t from = 0;
  std::uint64_t bytes = 0;
  if (!range.number(from) || !range.skip(",") || !range.number(bytes) || !range.at_end()) {
    return kWrong;
  }
  if (from >= whole.size()) {
    return "l";
  }
  bytes = std::min({bytes, kPacketSize / 2, std::uint64_t{whole.size()} - from});
  return (from + bytes < whole.size() ? "m" : "l") + std::string(whole.substr(from, bytes));
}

std::string GdbServer::threads_xml() const {
  std::string text = "<?xml version=\"1.0\"?>\n<threads>\n";
  for (unsigned h = 0; h < target_->harts(); ++h) {
    const std::string number = hex_number(h + 1);
    text += "<thread id=\"" + number + "\" core=\"" + std::to_string(h) + "\" name=\"" +
            target_->hart_name(h) + "\">" + extra_text(h) + "</thread>\n";
  }
  return text + "</threads>\n";
}

std::string GdbServer::extra_text(unsigned hart) const {
  const std::string state = target_->state_text(hart);
  return state.empty() ? "runs" : "waits: " + state;
}

std::string GdbServer::monitor(std::string_view hex) const {
  std::string command;
  if (!from_hex(hex, command)) {
    return kWrong;
  }
  return to_hex(command == "cycle" ? std::to_string(target_->cycle().raw()) + "\n"
                                   : "monitor cycle: the cycle in which the machine stands\n");
}

}  // namespace etude
