// SPDX-License-Identifier: Apache-2.0
#include "sim/profile/program_profile.h"

#include <algorithm>

namespace etude {

ProgramProfile::ProgramProfile(const ElfFile& elf, const std::filesystem::path& path,
                               unsigned harts)
    : map_(elf, path) {
  harts_.reserve(harts);
  for (unsigned h = 0; h < harts; ++h) {
    harts_.emplace_back(map_);
  }
}

std::vector<CoreObserver*> ProgramProfile::observers() {
  std::vector<CoreObserver*> out;
  for (HartProfile& hart : harts_) {
    out.push_back(&hart);
  }
  return out;
}

ProgramProfile::Lines ProgramProfile::lines(unsigned h) const {
  Lines out;
  harts_[h].for_each(
      [&](std::uint32_t pc, const Cost& cost) { out[map_.function(pc)][map_.line(pc)] += cost; });
  return out;
}

std::vector<ProgramProfile::Region> ProgramProfile::regions() const {
  std::map<std::vector<std::uint32_t>, Region> by_path;
  for (const HartProfile& hart : harts_) {
    const auto& nodes = hart.regions();
    for (std::size_t i = 1; i < nodes.size(); ++i) {
      std::vector<std::uint32_t> path;
      for (std::size_t at = i; at != 0; at = nodes[at].parent) {
        path.push_back(nodes[at].number);
      }
      std::ranges::reverse(path);
      Region& region = by_path[path];
      region.path = path;
      region.passes += nodes[i].passes;
      region.inclusive += nodes[i].inclusive;
    }
  }
  std::vector<Region> out;
  for (auto& [path, region] : by_path) {
    out.push_back(std::move(region));
  }
  return out;
}

std::string ProgramProfile::region_name(const Region& region) const {
  std::string text;
  for (const std::uint32_t number : region.path) {
    text += (text.empty() ? "" : "/") + map_.region(number);
  }
  return text;
}

std::vector<std::string> ProgramProfile::warnings() const {
  std::vector<std::string> out;
  for (unsigned h = 0; h < harts(); ++h) {
    const std::string who = "hart " + std::to_string(h);
    if (const auto n = harts_[h].unmatched_ends(); n != 0) {
      out.push_back(who + " ends " + std::to_string(n) + " regions that it has not begun");
    }
    if (const auto n = harts_[h].left_open(); n != 0) {
      out.push_back(who + " leaves " + std::to_string(n) + " regions open: they end with the run");
    }
    if (const auto n = harts_[h].spans_left_out(); n != 0) {
      out.push_back(who + " makes more calls than the timeline takes: " + std::to_string(n) +
                    " are left out");
    }
  }
  return out;
}

}  // namespace etude
