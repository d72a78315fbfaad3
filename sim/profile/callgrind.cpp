// SPDX-License-Identifier: Apache-2.0
// A profile as text: callgrind's format, collapsed stacks.
#include <algorithm>
#include <string>

#include "sim/engine/accounting.h"
#include "sim/profile/program_profile.h"

namespace etude {
namespace {

std::string events() {
  std::string text = "events: cycles busy";
  for (unsigned r = 0; r < kStallReasons; ++r) {
    text += std::string(" ") + stall_name(static_cast<StallReason>(r));
  }
  return text + "\n";
}

std::string numbers(const Cost& cost) {
  std::string text = " " + std::to_string(cost.cycles()) + " " + std::to_string(cost.busy);
  for (const std::uint64_t n : cost.stalls) {
    text += " " + std::to_string(n);
  }
  return text + "\n";
}

/// One hart as callgrind's format has it.
class Part {
 public:
  Part(const ProgramProfile& profile, unsigned hart) : map_(profile.map()) {
    for (const auto& [key, edge] : profile.hart(hart).edges()) {
      calls_[map_.function(key.first)].push_back({key.first, key.second, &edge});
    }
    for (const auto& [function, lines] : profile.lines(hart)) {
      write(function, lines);
    }
  }
  const std::string& text() const { return text_; }
  const Cost& total() const { return total_; }

 private:
  struct Call {
    std::uint32_t pc;
    std::uint32_t function;
    const HartProfile::Edge* edge;
  };

  SourceLine begin_of(std::uint32_t function) const {
    return function == 0 ? SourceLine{} : map_.line(map_.entry(function));
  }

  void write(std::uint32_t function, const std::map<SourceLine, Cost>& lines) {
    const std::uint32_t home = begin_of(function).file;
    text_ += "fl=" + map_.file(home) + "\nfn=" + map_.name(function) + "\n";
    std::uint32_t file = home;
    const auto enter = [&](std::uint32_t next) {
      if (next != file) {
        text_ += (next == home ? "fe=" : "fi=") + map_.file(next) + "\n";
        file = next;
      }
    };
    for (const auto& [at, cost] : lines) {
      enter(at.file);
      text_ += std::to_string(at.line) + numbers(cost);
      total_ += cost;
    }
    for (const Call& call : calls_[function]) {
      const SourceLine from = map_.line(call.pc);
      const SourceLine to = begin_of(call.function);
      enter(from.file);
      text_ += "cfi=" + map_.file(to.file) + "\ncfn=" + map_.name(call.function) +
               "\ncalls=" + std::to_string(call.edge->calls) + " " + std::to_string(to.line) +
               "\n" + std::to_string(from.line) + numbers(call.edge->inclusive);
    }
  }

  const ProgramMap& map_;
  std::map<std::uint32_t, std::vector<Call>> calls_;  ///< by calling function
  std::string text_;
  Cost total_;
};

}  // namespace

std::string callgrind_text(const ProgramProfile& profile, const std::string& command) {
  std::string text =
      "# callgrind format\nversion: 1\ncreator: etude-sim\ncmd: " + command + "\npositions: line\n";
  Cost total;
  for (unsigned h = 0; h < profile.harts(); ++h) {
    const std::string number = std::to_string(h + 1);
    text += "part: " + number + "\nthread: " + number + "\n" + events();
    const Part part(profile, h);
    text += part.text() + "\n";
    total += part.total();
  }
  return text + "totals:" + numbers(total);
}

std::string collapsed_text(const ProgramProfile& profile, const std::vector<std::string>& names) {
  std::string text;
  for (unsigned h = 0; h < profile.harts(); ++h) {
    const auto& nodes = profile.hart(h).nodes();
    std::vector<std::string> path(nodes.size());
    for (std::size_t i = 0; i < nodes.size(); ++i) {  // parents come first
      const std::uint32_t label = nodes[i].label;
      std::string name = i == 0 ? names[h]
                         : label >= HartProfile::kRegion
                             ? "[" + profile.map().region(label - HartProfile::kRegion) + "]"
                             : profile.map().name(label);
      std::ranges::replace(name, ';', ':');
      path[i] = i == 0 ? name : path[nodes[i].parent] + ";" + name;
      if (nodes[i].cycles != 0) {
        text += path[i] + " " + std::to_string(nodes[i].cycles) + "\n";
      }
    }
  }
  return text;
}

}  // namespace etude
