// SPDX-License-Identifier: Apache-2.0
// Perfetto's trace format, encoded field by field (protos/perfetto/trace/*.proto of that project).
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <bit>
#include <cmath>

#include "sim/trace/timeline.h"

namespace etude {
namespace {
using google::protobuf::io::CodedOutputStream;
using google::protobuf::io::StringOutputStream;

// Field numbers.
namespace trace {
constexpr unsigned kPacket = 1;
}
namespace packet {
constexpr unsigned kTimestamp = 8;
constexpr unsigned kSequenceId = 10;
constexpr unsigned kTrackEvent = 11;
constexpr unsigned kSequenceFlags = 13;
constexpr unsigned kTrackDescriptor = 60;
}  // namespace packet
namespace descriptor {
constexpr unsigned kUuid = 1;
constexpr unsigned kName = 2;
constexpr unsigned kProcess = 3;
constexpr unsigned kParentUuid = 5;
constexpr unsigned kCounter = 8;
constexpr unsigned kChildOrdering = 11;
constexpr unsigned kSiblingOrderRank = 12;
}  // namespace descriptor
namespace process {
constexpr unsigned kPid = 1;
constexpr unsigned kName = 6;
}  // namespace process
namespace counter {
constexpr unsigned kUnitName = 6;
}
namespace event {
constexpr unsigned kType = 9;
constexpr unsigned kTrackUuid = 11;
constexpr unsigned kName = 23;
constexpr unsigned kCounterValue = 30;
constexpr unsigned kDoubleCounterValue = 44;
constexpr unsigned kFlowIds = 47;
constexpr unsigned kTerminatingFlowIds = 48;
}  // namespace event
constexpr std::uint64_t kExplicitOrder = 3;
constexpr std::uint64_t kSliceBegin = 1;
constexpr std::uint64_t kSliceEnd = 2;
constexpr std::uint64_t kCounterEvent = 4;
constexpr std::uint64_t kStateCleared = 1;
constexpr std::uint64_t kSequence = 1;
constexpr std::uint64_t kProcessUuid = 1;

/// The bytes of one protobuf message.
class Message {
 public:
  Message& number(unsigned field, std::uint64_t value) {
    StringOutputStream stream(&bytes_);
    CodedOutputStream out(&stream);
    out.WriteTag(field << 3 | 0);  // varint
    out.WriteVarint64(value);
    return *this;
  }
  Message& fixed(unsigned field, std::uint64_t value) {
    StringOutputStream stream(&bytes_);
    CodedOutputStream out(&stream);
    out.WriteTag(field << 3 | 1);  // 64 bits
    out.WriteLittleEndian64(value);
    return *this;
  }
  Message& text(unsigned field, const std::string& value) {
    StringOutputStream stream(&bytes_);
    CodedOutputStream out(&stream);
    out.WriteTag(field << 3 | 2);  // length-delimited
    out.WriteVarint64(value.size());
    out.WriteString(value);
    return *this;
  }
  Message& message(unsigned field, const Message& value) { return text(field, value.bytes_); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

std::uint64_t nanoseconds(Cycle cycle, double clock_hz) {
  return static_cast<std::uint64_t>(
      std::llround(static_cast<double>(cycle.raw()) * 1e9 / clock_hz));
}

class Writer {
 public:
  explicit Writer(const Timeline& timeline) : timeline_(timeline) {}

  std::string write() {
    Message run;
    run.number(process::kPid, 1).text(process::kName, timeline_.title);
    Message root;
    root.number(descriptor::kUuid, kProcessUuid)
        .message(descriptor::kProcess, run)
        .number(descriptor::kChildOrdering, kExplicitOrder);
    describe(root, true);
    std::uint64_t uuid = kProcessUuid;
    for (const TraceTrack& track : timeline_.tracks) {
      ++uuid;
      Message text;
      text.number(descriptor::kUuid, uuid)
          .text(descriptor::kName, track.name)
          .number(descriptor::kParentUuid, kProcessUuid)
          .number(descriptor::kSiblingOrderRank, uuid - kProcessUuid);
      describe(text, false);
      std::vector<Cycle> open;  // ends, the innermost last
      const auto close_until = [&](Cycle now) {
        for (; !open.empty() && open.back() <= now; open.pop_back()) {
          Message end;
          end.number(event::kType, kSliceEnd).number(event::kTrackUuid, uuid);
          happen(open.back(), end);
        }
      };
      for (const TraceSpan& span : track.spans) {
        close_until(span.begin);
        Message begin;
        begin.number(event::kType, kSliceBegin).number(event::kTrackUuid, uuid);
        begin.text(event::kName, span.name);
        for (const std::uint64_t flow : span.starts) {
          begin.fixed(event::kFlowIds, flow);
        }
        for (const std::uint64_t flow : span.ends) {
          begin.fixed(event::kTerminatingFlowIds, flow);
        }
        happen(span.begin, begin);
        open.push_back(span.end);
      }
      close_until(Cycle{kNever});
    }
    for (const TraceCounter& counter : timeline_.counters) {
      ++uuid;
      Message text;
      text.number(descriptor::kUuid, uuid)
          .text(descriptor::kName, counter.name)
          .number(descriptor::kParentUuid, kProcessUuid)
          .number(descriptor::kSiblingOrderRank, uuid - kProcessUuid)
          .message(descriptor::kCounter, Message().text(counter::kUnitName, counter.unit));
      describe(text, false);
      for (const auto& [when, value] : counter.values) {
        Message now;
        now.number(event::kType, kCounterEvent).number(event::kTrackUuid, uuid);
        if (value == std::floor(value)) {
          now.number(event::kCounterValue, static_cast<std::uint64_t>(value));
        } else {
          now.fixed(event::kDoubleCounterValue, std::bit_cast<std::uint64_t>(value));
        }
        happen(when, now);
      }
    }
    return out_.bytes();
  }

 private:
  void describe(const Message& descriptor, bool first) {
    Message text;
    text.number(packet::kSequenceId, kSequence);
    if (first) {
      text.number(packet::kSequenceFlags, kStateCleared);
    }
    out_.message(trace::kPacket, text.message(packet::kTrackDescriptor, descriptor));
  }

  void happen(Cycle when, const Message& what) {
    Message text;
    text.number(packet::kTimestamp, nanoseconds(when, timeline_.clock_hz))
        .number(packet::kSequenceId, kSequence)
        .message(packet::kTrackEvent, what);
    out_.message(trace::kPacket, text);
  }

  const Timeline& timeline_;
  Message out_;
};
}  // namespace

std::string perfetto_trace(const Timeline& timeline) { return Writer(timeline).write(); }

}  // namespace etude
