// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

namespace etude::check {

enum class Kind : std::uint8_t {
  kRace,
  kUninit,
  kBounds,
  kFreed,
  kStack,
  kDma,
  kDeadlock,
  kLost,
  kMisaligned,
  kLivelock
};
enum class Severity : std::uint8_t { kNote, kWarning, kError };

/// One side of a finding.
struct Party {
  std::string unit;    ///< core0, controller, dma, soc_dma, redmule
  std::string access;  ///< read, write; free, wait, missing, trigger, posts, spins, runs
  std::uint32_t pc{0};
  std::string detail;  ///< of a transfer or job: which; of a hart: what it synchronised with last
  std::uint64_t units{0};  ///< a bit for each thread that stood on this side
};

/// One defect, wherever and however often it showed.
struct Finding {
  Kind kind{};
  Severity severity{Severity::kError};
  std::string where;  ///< symbol+offset
  std::uint32_t address{0};
  std::uint32_t bytes{0};
  std::uint64_t count{1};
  std::uint64_t cycle{0};  ///< of the first time
  std::uint64_t event{0};  ///< number of the access or footprint that showed it last
  std::string text{};      ///< what more there is to say
  std::vector<Party> parties{};
};

/// The findings of a run, merged: those of one kind by the same instructions are one.
class Findings {
 public:
  /// What tells two findings apart besides their kind: the places of both sides, what they do.
  using Key = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;

  /// The finding with this key if there is one, counted once more and made as grave as `severity`;
  /// else null. Bytes that follow its own are added to it; those of one footprint count once.
  Finding* again(Kind kind, const Key& key, Severity severity, std::uint32_t address,
                 std::uint32_t bytes, std::uint64_t event);
  Finding& add(const Key& key, Finding finding);

  const std::vector<Finding>& all() const { return findings_; }
  std::vector<Finding>& all() { return findings_; }
  bool has_errors() const;

 private:
  std::map<std::pair<Kind, Key>, std::size_t> known_;
  std::vector<Finding> findings_;
};

/// Text of a pc: "function (file:line)".
using Place = std::function<std::string(std::uint32_t pc)>;
/// Name of a thread: "core0", "dma".
using UnitName = std::function<std::string(unsigned thread)>;

/// One line.
std::string finding_line(const Finding& finding, const Place& place);
/// As an entry of "findings" (docs/check.md).
nlohmann::ordered_json finding_json(const Finding& finding, const Place& place,
                                    const UnitName& unit);

}  // namespace etude::check
