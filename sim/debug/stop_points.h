// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "models/iss/core/core_port.h"

namespace etude {

/// Where a debugger wants the harts to stop.
class StopPoints {
 public:
  /// As the protocol numbers them.
  enum class Kind : std::uint8_t { kSoftware, kHardware, kWrite, kRead, kAccess };
  struct Watch {
    Kind kind;
    std::uint32_t address;
    std::uint32_t bytes;
    bool operator==(const Watch&) const = default;
  };

  void add(Kind kind, std::uint32_t address, std::uint32_t bytes) {
    if (kind <= Kind::kHardware) {
      breaks_[static_cast<unsigned>(kind)].insert(address);
    } else if (const Watch watch{kind, address, bytes};
               std::find(watches_.begin(), watches_.end(), watch) == watches_.end()) {
      watches_.push_back(watch);
    }
  }
  void remove(Kind kind, std::uint32_t address, std::uint32_t bytes) {
    if (kind <= Kind::kHardware) {
      breaks_[static_cast<unsigned>(kind)].erase(address);
    } else {
      std::erase(watches_, Watch{kind, address, bytes});
    }
  }
  void clear() { *this = StopPoints(); }

  bool has(Kind kind, std::uint32_t pc) const {
    return breaks_[static_cast<unsigned>(kind)].contains(pc);
  }
  bool breaks_at(std::uint32_t pc) const {
    return has(Kind::kSoftware, pc) || has(Kind::kHardware, pc);
  }
  /// The watchpoint that `access` touches, at the first byte of both.
  std::optional<Watch> touched(const DataAccess& access) const {
    for (const Watch& watch : watches_) {
      const bool wanted =
          watch.kind == Kind::kAccess || (watch.kind == Kind::kWrite) == access.write;
      const std::uint64_t first = std::max(access.address, watch.address);
      if (wanted && first < std::uint64_t{access.address} + access.bytes &&
          first < std::uint64_t{watch.address} + watch.bytes) {
        return Watch{watch.kind, static_cast<std::uint32_t>(first), 1};
      }
    }
    return std::nullopt;
  }

 private:
  std::set<std::uint32_t> breaks_[2];
  std::vector<Watch> watches_;
};

}  // namespace etude
