// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/io/coded_stream.h>

#include <bit>
#include <catch2/catch.hpp>
#include <map>

#include "sim/trace/timeline.h"

using namespace etude;

namespace {
/// A protobuf message read without its schema: numbers and byte strings by field.
struct Raw {
  std::multimap<unsigned, std::uint64_t> numbers;
  std::multimap<unsigned, std::string> texts;

  explicit Raw(const std::string& bytes) {
    google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                              static_cast<int>(bytes.size()));
    while (const unsigned tag = in.ReadTag()) {
      std::uint64_t value = 0;
      if ((tag & 7) == 1) {
        REQUIRE(in.ReadLittleEndian64(&value));
        numbers.emplace(tag >> 3, value);
        continue;
      }
      REQUIRE(in.ReadVarint64(&value));
      if ((tag & 7) == 0) {
        numbers.emplace(tag >> 3, value);
      } else {
        REQUIRE((tag & 7) == 2);
        std::string text;
        REQUIRE(in.ReadString(&text, static_cast<int>(value)));
        texts.emplace(tag >> 3, text);
      }
    }
    REQUIRE(in.ConsumedEntireMessage());
  }
  std::uint64_t number(unsigned field) const {
    REQUIRE(numbers.count(field) == 1);
    return numbers.find(field)->second;
  }
  std::string text(unsigned field) const {
    REQUIRE(texts.count(field) == 1);
    return texts.find(field)->second;
  }
  bool has(unsigned field) const { return texts.count(field) != 0; }
};

Timeline small() {
  Timeline timeline;
  timeline.title = "deep_ae";
  timeline.clock_hz = 500e6;  // 2 ns per cycle
  timeline.tracks = {{"core0", {{Cycle{10}, Cycle{20}, "fc0"}, {Cycle{20}, Cycle{35}, "sleep"}}},
                     {"redmule", {{Cycle{12}, Cycle{30}, "fc0"}}}};
  timeline.tracks[0].spans[0].starts = {7, 1ull << 40};
  timeline.tracks[1].spans[0].ends = {7};
  timeline.counters = {{"L1 used", "B", {{Cycle{0}, 100}, {Cycle{30}, 4096.5}}}};
  return timeline;
}
}  // namespace

// Field numbers below: protos/perfetto/trace/trace_packet.proto and track_event/*.proto.
TEST_CASE("a trace has a track per unit, slices in nanoseconds and counters", "[trace]") {
  std::map<std::uint64_t, std::string> tracks;
  std::map<std::string, std::vector<std::string>> events;
  bool first = true;
  const Raw trace(perfetto_trace(small()));
  for (auto [it, end] = trace.texts.equal_range(1); it != end; ++it) {
    const Raw packet(it->second);
    CHECK(packet.number(10) == 1);                    // one writer
    CHECK((packet.numbers.count(13) == 1) == first);  // which begins with a clean state
    first = false;
    if (packet.has(60)) {
      const Raw descriptor(packet.text(60));
      if (tracks.empty()) {
        CHECK(descriptor.number(11) == 3);  // its children in the order of their ranks
      } else {
        CHECK(descriptor.number(12) == tracks.size());
      }
      const std::uint64_t uuid = descriptor.number(1);
      CHECK(tracks.count(uuid) == 0);
      tracks[uuid] = descriptor.has(3) ? Raw(descriptor.text(3)).text(6) : descriptor.text(2);
      if (!descriptor.has(3)) {
        CHECK(tracks.count(descriptor.number(5)) == 1);  // its parent came before
      }
      if (descriptor.has(8)) {
        CHECK(Raw(descriptor.text(8)).text(6) == "B");
      }
    } else {
      const Raw event(packet.text(11));
      const std::string track = tracks.at(event.number(11));
      std::string text = std::to_string(packet.number(8)) + " ";
      const std::uint64_t type = event.number(9);
      text += type == 1   ? "begin " + event.text(23)
              : type == 2 ? "end"
              : event.numbers.count(30) != 0
                  ? "is " + std::to_string(event.number(30))
                  : "is " + std::to_string(std::bit_cast<double>(event.number(44)));
      for (const auto& [field, word] : {std::pair{47u, " starts "}, std::pair{48u, " ends "}}) {
        for (auto [at, last] = event.numbers.equal_range(field); at != last; ++at) {
          text += word + std::to_string(at->second);
        }
      }
      events[track].push_back(text);
    }
  }
  CHECK(tracks.size() == 4);
  CHECK(tracks.begin()->second == "deep_ae");
  CHECK(events["core0"] == std::vector<std::string>{"20 begin fc0 starts 7 starts 1099511627776",
                                                    "40 end", "40 begin sleep", "70 end"});
  CHECK(events["redmule"] == std::vector<std::string>{"24 begin fc0 ends 7", "60 end"});
  CHECK(events["L1 used"] == std::vector<std::string>{"0 is 100", "60 is 4096.500000"});
}

TEST_CASE("equal timelines give equal bytes", "[trace]") {
  CHECK(perfetto_trace(small()) == perfetto_trace(small()));
}
