// SPDX-License-Identifier: Apache-2.0
// How the checker says what it has found.
#include <algorithm>
#include <array>
#include <fstream>

#include "sim/check/checker.h"

namespace etude::check {
namespace {

std::vector<const Finding*> by_severity(const Findings& findings) {
  std::vector<const Finding*> sorted;
  for (const Finding& finding : findings.all()) {
    sorted.push_back(&finding);
  }
  std::ranges::stable_sort(sorted, std::ranges::greater{}, &Finding::severity);
  return sorted;
}

}  // namespace

std::string Checker::text() const {
  std::string out;
  std::array<std::size_t, 3> counts{};
  for (const Finding* finding : by_severity(findings_)) {
    ++counts[static_cast<unsigned>(finding->severity)];
    out += finding_line(*finding, [this](std::uint32_t pc) { return place(pc); }) + "\n";
  }
  out += "check: " + std::to_string(counts[2]) + " errors, " + std::to_string(counts[1]) +
         " warnings, " + std::to_string(counts[0]) + " notes";
  const char* between = "; stacks: ";
  for (unsigned h = 0; h < names_.size(); ++h) {
    if (const Stacks::Stack* const stack = stacks_.of(h)) {
      out += between + names_[h] + " " + std::to_string(stacks_.used(h)) + " of " +
             std::to_string(stack->end - stack->begin);
      between = ", ";
    }
  }
  if (!stacks_.any()) {
    out += "; stacks: none declared, so none is watched, nor stores to memory without a name";
  }
  return out + "\n";
}

std::string Checker::write(const std::string& file) const {
  std::ofstream out(file, std::ios::binary);
  out << json().dump(1) << "\n";
  out.close();
  return out ? "" : file + ": cannot be written";
}

nlohmann::ordered_json Checker::json() const {
  nlohmann::ordered_json out;
  auto& findings = out["findings"] = nlohmann::ordered_json::array();
  for (const Finding* finding : by_severity(findings_)) {
    findings.push_back(finding_json(
        *finding, [this](std::uint32_t pc) { return place(pc); },
        [this](unsigned thread) { return unit(thread); }));
  }
  auto& stacks = out["stacks"] = nlohmann::ordered_json::array();
  for (unsigned h = 0; h < names_.size(); ++h) {
    if (const Stacks::Stack* const stack = stacks_.of(h)) {
      stacks.push_back({{"unit", names_[h]},
                        {"used", stacks_.used(h)},
                        {"bytes", stack->end - stack->begin},
                        {"where", stack->name}});
    }
  }
  return out;
}

}  // namespace etude::check
