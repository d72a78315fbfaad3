// SPDX-License-Identifier: Apache-2.0
#include "sim/check/finding.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace etude::check {
namespace {

constexpr std::array<const char*, 10> kKinds{"race",       "uninit",  "bounds",   "freed",
                                             "stack",      "dma",     "deadlock", "lost",
                                             "misaligned", "livelock"};
constexpr std::array<const char*, 3> kSeverities{"note", "warning", "error"};

std::string hex(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", value);
  return text;
}

}  // namespace

Finding* Findings::again(Kind kind, const Key& key, Severity severity, std::uint32_t address,
                         std::uint32_t bytes, std::uint64_t event) {
  const auto found = known_.find({kind, key});
  if (found == known_.end()) {
    return nullptr;
  }
  Finding& finding = findings_[found->second];
  finding.count += event != finding.event ? 1 : 0;
  finding.event = event;
  finding.severity = std::max(finding.severity, severity);
  if (address == finding.address + finding.bytes) {
    finding.bytes += bytes;
  }
  return &finding;
}

Finding& Findings::add(const Key& key, Finding finding) {
  known_.emplace(std::pair{finding.kind, key}, findings_.size());
  findings_.push_back(std::move(finding));
  return findings_.back();
}

bool Findings::has_errors() const {
  return std::ranges::any_of(findings_,
                             [](const Finding& f) { return f.severity == Severity::kError; });
}

std::string finding_line(const Finding& finding, const Place& place) {
  std::string line = kSeverities[static_cast<unsigned>(finding.severity)];
  line += std::string(": ") + kKinds[static_cast<unsigned>(finding.kind)] + ": " + finding.where;
  if (finding.bytes != 0) {
    line += " (" + hex(finding.address) + ", " + std::to_string(finding.bytes) +
            (finding.bytes == 1 ? " byte)" : " bytes)");
  }
  const char* between = ": ";
  for (const Party& party : finding.parties) {
    line += between + party.unit + " " + party.access;
    if (party.pc != 0) {
      line += " at " + place(party.pc) + " [" + hex(party.pc) + "]";
    }
    if (!party.detail.empty()) {
      line += ", " + party.detail;
    }
    between = "; ";
  }
  if (!finding.text.empty()) {
    line += "; " + finding.text;
  }
  line += "; cycle " + std::to_string(finding.cycle);
  if (finding.count > 1) {
    line += ", " + std::to_string(finding.count) + " times";
  }
  return line;
}

nlohmann::ordered_json finding_json(const Finding& finding, const Place& place,
                                    const UnitName& unit) {
  nlohmann::ordered_json out{{"kind", kKinds[static_cast<unsigned>(finding.kind)]},
                             {"severity", kSeverities[static_cast<unsigned>(finding.severity)]},
                             {"where", finding.where},
                             {"address", finding.address},
                             {"bytes", finding.bytes},
                             {"count", finding.count},
                             {"cycle", finding.cycle}};
  auto& parties = out["parties"] = nlohmann::ordered_json::array();
  for (const Party& party : finding.parties) {
    nlohmann::ordered_json row{{"unit", party.unit}, {"access", party.access}, {"pc", party.pc}};
    row["at"] = party.pc != 0 ? place(party.pc) : "";
    if (!party.detail.empty()) {
      row["detail"] = party.detail;
    }
    if (std::popcount(party.units) > 1) {
      auto& units = row["units"] = nlohmann::ordered_json::array();
      for (std::uint64_t left = party.units; left != 0; left &= left - 1) {
        const std::string name = unit(static_cast<unsigned>(std::countr_zero(left)));
        if (std::find(units.begin(), units.end(), name) == units.end()) {
          units.push_back(name);
        }
      }
    }
    parties.push_back(std::move(row));
  }
  if (!finding.text.empty()) {
    out["text"] = finding.text;
  }
  return out;
}

}  // namespace etude::check
