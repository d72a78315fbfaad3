// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <vector>

#include "models/base/error.h"
#include "models/interco/hci.h"
#include "run/bench/replay.h"

namespace etude::run {
namespace {

constexpr unsigned kWideBanks = 9;  // of the traced RTL: a port of 288 bits

/// One line of a trace: what is asked, and what the RTL answered and held before the edge.
struct TraceCycle {
  HciRequests requests;
  std::uint32_t mask = 0;
  bool wide = false;
  unsigned counter = 0;
  std::string pointers;
};

struct Trace {
  unsigned ports = 0;
  unsigned banks = 0;
  std::optional<unsigned> invert;
  std::optional<unsigned> max_stall;
  std::vector<TraceCycle> cycles;
};

[[noreturn]] void refuse(const std::string& file, std::size_t line, const std::string& what) {
  throw UserError(file + ":" + std::to_string(line), what,
                  "each line holds: request mask (hex), one bank per port or '-', 0|1, first bank, "
                  "grant mask (hex), 0|1, stall counter, one pointer per bank");
}

int hex_digit(char c) {
  const auto lower = static_cast<char>(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
  return c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::optional<std::uint32_t> number(const std::string& text, int base) {
  std::size_t used = 0;
  try {
    const unsigned long value = std::stoul(text, &used, base);
    if (used == text.size() && value <= 0xFFFFFFFFul && text[0] != '-') {
      return static_cast<std::uint32_t>(value);
    }
  } catch (const std::exception&) {
    // not a number: nothing
  }
  return std::nullopt;
}

void read_header(const std::string& line, Trace& trace) {
  std::smatch found;
  const auto value = [&](const char* pattern) -> std::optional<unsigned> {
    return std::regex_search(line, found, std::regex(pattern))
               ? std::optional<unsigned>(number(found[1].str(), 10))
               : std::nullopt;
  };
  for (const char* pattern : {R"(\binv=([0-9]{1,3})\b)", R"(\bid=\S*_i([01])_m[0-9])"}) {
    if (const auto v = value(pattern)) {
      trace.invert = v;
    }
  }
  for (const char* pattern : {R"(\bms=([0-9]{1,3})\b)", R"(\bid=\S*_i[01]_m([0-9]{1,3}))"}) {
    if (const auto v = value(pattern)) {
      trace.max_stall = v;
    }
  }
}

TraceCycle read_cycle(const std::string& file, std::size_t at, const std::string& line,
                      Trace& trace) {
  std::istringstream in(line);
  std::string mask, banks, wide, wide_bank, granted, wide_granted, counter, pointers, more;
  if (!(in >> mask >> banks >> wide >> wide_bank >> granted >> wide_granted >> counter >>
        pointers) ||
      in >> more) {
    refuse(file, at, "8 fields were expected");
  }
  if (trace.cycles.empty()) {
    trace.ports = static_cast<unsigned>(banks.size());
    trace.banks = static_cast<unsigned>(pointers.size());
    if (trace.ports > HciRequests::kMaxPorts || trace.banks > 16 ||
        (trace.banks & (trace.banks - 1)) != 0) {
      refuse(file, at, "at most 24 ports and 16 banks (a power of two) are understood");
    }
  }
  TraceCycle cycle;
  const auto asked = number(mask, 16);
  const auto first = number(wide_bank, 16);
  const auto answered = number(granted, 16);
  const auto stalled = number(counter, 10);
  if (!asked || !first || !answered || !stalled || (wide != "0" && wide != "1") ||
      (wide_granted != "0" && wide_granted != "1") || *first >= trace.banks) {
    refuse(file, at, "a field is not a number of its range");
  }
  if (banks.size() != trace.ports || pointers.size() != trace.banks) {
    refuse(file, at, "the number of ports or banks changed");
  }
  if ((static_cast<std::uint64_t>(*asked) >> trace.ports) != 0) {
    refuse(file, at, "a port requests that has no bank");
  }
  for (unsigned i = 0; i < trace.ports; ++i) {
    const int bank = hex_digit(banks[i]);
    const bool requests = (*asked >> i & 1) != 0;
    if (requests ? bank < 0 || bank >= static_cast<int>(trace.banks)
                 : bank < 0 && banks[i] != '-') {
      refuse(file, at, "port " + std::to_string(i) + " has no valid bank");
    }
    cycle.requests.bank[i] = static_cast<std::uint8_t>(requests ? bank : 0);
  }
  cycle.requests.mask = *asked;
  cycle.requests.wide = wide == "1";
  cycle.requests.wide_bank = static_cast<std::uint8_t>(*first);
  cycle.mask = *answered;
  cycle.wide = wide_granted == "1";
  cycle.counter = *stalled;
  cycle.pointers = pointers;
  return cycle;
}

Trace read_trace(const std::string& file) {
  std::error_code ignored;
  std::ifstream in;
  if (std::filesystem::is_regular_file(file, ignored)) {  // a pipe would be waited for
    in.open(file);
  }
  if (!in.is_open()) {
    throw UserError(file, "cannot be read", "give a trace file of the interconnect");
  }
  Trace trace;
  std::string line;
  for (std::size_t at = 1; std::getline(in, line); ++at) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) {
      continue;
    }
    if (line[0] == '#') {
      read_header(line, trace);
    } else {
      trace.cycles.push_back(read_cycle(file, at, line, trace));
    }
  }
  if (trace.cycles.empty()) {
    throw UserError(file, "holds no cycle", "give a trace file of the interconnect");
  }
  return trace;
}

std::string pointers_of(const Hci& hci) {
  std::string text;
  for (unsigned bank = 0; bank < hci.shape().banks; ++bank) {
    // One hexadecimal digit per bank, as the traces have it; letters go on after f.
    const unsigned rr = hci.round_robin(bank);
    text += static_cast<char>(rr < 10 ? '0' + rr : 'a' + rr - 10);
  }
  return text;
}

}  // namespace

HciReplay replay_hci(const std::string& file, std::optional<unsigned> invert,
                     std::optional<unsigned> max_stall) {
  const Trace trace = read_trace(file);
  HciConfig config;
  config.priority = (invert ? *invert : trace.invert.value_or(0)) != 0
                        ? HciConfig::Priority::kAccelerator
                        : HciConfig::Priority::kCores;
  config.max_stall = max_stall ? *max_stall : trace.max_stall.value_or(0);
  Hci hci("hci", config, {trace.ports, trace.banks, std::min(kWideBanks, trace.banks)});

  HciReplay result;
  for (const TraceCycle& cycle : trace.cycles) {
    std::string pointers = pointers_of(hci);
    const unsigned counter = hci.stall_counter();
    const HciGrants grants = hci.arbitrate(cycle.requests);
    if (grants.mask != cycle.mask || grants.wide != cycle.wide || counter != cycle.counter ||
        pointers != cycle.pointers) {
      if (!result.first_difference) {
        result.first_difference = result.cycles;
        std::ostringstream text;
        text << std::hex << "grants " << grants.mask << ' ' << grants.wide << " counter "
             << std::dec << counter << " pointers " << pointers << "; recorded " << std::hex
             << cycle.mask << ' ' << cycle.wide << " counter " << std::dec << cycle.counter
             << " pointers " << cycle.pointers;
        result.first_text = text.str();
      }
      ++result.different;
    }
    ++result.cycles;
  }
  return result;
}

}  // namespace etude::run
