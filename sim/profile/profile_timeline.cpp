// SPDX-License-Identifier: Apache-2.0
#include "sim/profile/profile_timeline.h"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace etude {
namespace {

TraceTrack track_of(const ProgramMap& map, std::string name, std::vector<HartProfile::Span> spans) {
  // Of those that begin together the outer one comes first.
  std::ranges::sort(spans, [](const auto& a, const auto& b) {
    return std::tie(a.begin, b.end, a.depth) < std::tie(b.begin, a.end, b.depth);
  });
  TraceTrack track{std::move(name), {}};
  for (const HartProfile::Span& span : spans) {
    track.spans.push_back({Cycle{span.begin}, Cycle{span.end},
                           span.label >= HartProfile::kRegion
                               ? "[" + map.region(span.label - HartProfile::kRegion) + "]"
                               : map.name(span.label)});
  }
  return track;
}

}  // namespace

void add_calls(const ProgramProfile& profile, const std::vector<std::string>& names,
               Timeline& timeline) {
  std::vector<TraceTrack> tracks;
  for (unsigned h = 0; h < profile.harts(); ++h) {
    const HartProfile& hart = profile.hart(h);
    tracks.push_back(track_of(profile.map(), names[h] + " calls", hart.spans()));
    tracks.push_back(track_of(profile.map(), names[h] + " regions", hart.region_spans()));
  }
  tracks.insert(tracks.end(), std::make_move_iterator(timeline.tracks.begin()),
                std::make_move_iterator(timeline.tracks.end()));
  std::erase_if(tracks, [](const TraceTrack& track) { return track.spans.empty(); });
  timeline.tracks = std::move(tracks);
}

}  // namespace etude
