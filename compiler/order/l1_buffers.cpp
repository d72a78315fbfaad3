// SPDX-License-Identifier: Apache-2.0
#include "compiler/order/l1_buffers.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "compiler/order/encode.h"

namespace etude::compiler {

namespace {

struct Use {
  std::optional<std::uint32_t> first;
  std::array<std::optional<std::uint32_t>, kUnits> last;
};

void touch(Use& use, unsigned unit, std::uint32_t place) {
  use.first = std::min(use.first.value_or(place), place);
  use.last[unit] = std::max(use.last[unit].value_or(place), place);
}

}  // namespace

std::vector<L1Buffer> l1_buffers(const std::vector<PlanOp>& ops,
                                 const std::vector<std::uint32_t>& places,
                                 const std::vector<L1Block>& blocks) {
  std::map<std::uint32_t, std::vector<std::size_t>> begin, end;  // by stage
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    begin[blocks[b].first_stage].push_back(b);
    end[blocks[b].last_stage].push_back(b);
  }
  std::vector<Use> uses(blocks.size());
  std::multimap<Address, std::size_t> alive;  // by address
  const auto leave = [&](std::uint32_t until) {
    for (auto stage = end.begin(); stage != end.end() && stage->first < until;
         stage = end.erase(stage)) {
      for (const std::size_t b : stage->second) {
        std::erase_if(alive, [b](const auto& entry) { return entry.second == b; });
      }
    }
  };
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const std::uint32_t now = ops[i].stage;
    for (auto stage = begin.begin(); stage != begin.end() && stage->first <= now;
         stage = begin.erase(stage)) {
      for (const std::size_t b : stage->second) {
        alive.emplace(blocks[b].address, b);
      }
    }
    leave(now);
    if (places[i] == kNotInList) {
      continue;
    }
    for (const Access& access : ops[i].accesses) {
      if (access.space != Access::Space::kL1) {
        continue;
      }
      for (auto at = alive.begin(); at != alive.end() && at->first < Address{access.end()}; ++at) {
        if (Address{access.address} < at->first + blocks[at->second].bytes) {
          touch(uses[at->second], static_cast<unsigned>(ops[i].unit()), places[i]);
        }
      }
    }
  }
  std::vector<L1Buffer> buffers;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    if (uses[b].first) {
      L1Buffer buffer{blocks[b].address, blocks[b].bytes, *uses[b].first, {}};
      for (const auto& last : uses[b].last) {
        if (last) {
          buffer.last_ops.push_back(*last);
        }
      }
      buffers.push_back(std::move(buffer));
    }
  }
  std::stable_sort(buffers.begin(), buffers.end(),
                   [](const L1Buffer& a, const L1Buffer& b) { return a.first_op < b.first_op; });
  return buffers;
}

}  // namespace etude::compiler
