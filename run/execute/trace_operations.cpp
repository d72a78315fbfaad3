// SPDX-License-Identifier: Apache-2.0
#include "run/execute/trace_operations.h"

#include <algorithm>
#include <deque>
#include <map>
#include <string>

#include "kernels/include/etude_kernels.h"
#include "run/execute/data_arrows.h"

namespace etude::run {
namespace {

constexpr std::uint32_t kNone = TraceSpan::kNoOperation;

TraceTrack* track_of(Timeline& timeline, const char* name) {
  const auto found = std::ranges::find(timeline.tracks, name, &TraceTrack::name);
  return found == timeline.tracks.end() ? nullptr : &*found;
}

/// The name of what an operation moves between memories; empty for what has none.
std::string tensor_of(const Program& program, const Operation& operation) {
  for (const Access& access : operation.accesses) {
    if (access.space != Access::Space::kL1 && access.object < program.stored.size()) {
      return program.stored[access.object].name + " ";
    }
  }
  return {};
}

/// "fc0.w in, 4096 B (fc0)", "fc0: gelu", "fc0: 24x32x16".
struct NameOfWork {
  const Program& program;
  const Operation& operation;

  std::string moved(const char* way, std::uint64_t bytes) const {
    return tensor_of(program, operation) + way + ", " + std::to_string(bytes) + " B (" + layer() +
           ")";
  }
  std::string layer() const { return program.layers.at(operation.layer).name; }

  std::string operator()(const End&) const { return layer(); }
  std::string operator()(const Wait&) const { return layer(); }
  std::string operator()(const KernelCall& call) const {
    return layer() + ": " + etude_kernel_name(call.kernel);
  }
  std::string operator()(const MatrixJob& job) const {
    return layer() + ": " + std::to_string(job.m) + "x" + std::to_string(job.n) + "x" +
           std::to_string(job.k);
  }
  std::string operator()(const Transfer& transfer) const {
    return moved(transfer.to_l1 ? "in" : "out", transfer.bytes());
  }
  std::string operator()(const PageTransfer& page) const {
    const bool reads = std::ranges::any_of(operation.accesses, [](const Access& access) {
      return !access.write && access.space == Access::Space::kExternal;
    });
    return moved(reads ? "page in" : "page out", page.bytes);
  }
  std::string operator()(const FlashErase& erase) const { return moved("erase", erase.bytes); }
};

/// The operations of the cluster DMA's spans. It reports transfers by their place in L1: those of
/// one place and size are over in the order of their posting.
void find_transfers(const Program& program, const RunRecord& record, Timeline& timeline) {
  using Place = std::pair<std::uint32_t, std::uint64_t>;
  std::map<Place, std::deque<const TraceTransfer*>> records;
  for (const TraceTransfer& transfer : timeline.transfers) {
    records[{transfer.l1, transfer.bytes}].push_back(&transfer);
  }
  TraceTrack* const tracks[] = {track_of(timeline, "dma out"), track_of(timeline, "dma in")};
  for (const StepRecord& step : record.steps) {
    for (const OpSegment& segment : step.segments) {
      const auto* const transfer = program.tasks.operations.at(segment.op).as<Transfer>();
      if (transfer == nullptr) {
        continue;
      }
      auto& same = records[{transfer->l1.raw(), transfer->bytes()}];
      while (!same.empty() && same.front()->launched < step.begin + segment.begin) {
        same.pop_front();
      }
      if (!same.empty()) {
        TraceTrack* const track = tracks[same.front()->to_l1 ? 1 : 0];
        if (track != nullptr && same.front()->span != TraceTransfer::kNoSpan) {
          track->spans[same.front()->span].op = segment.op;
        }
        same.pop_front();
      }
    }
  }
}

/// Those of the SoC DMA's: it finishes transfers in the order of their posting. In a step whose
/// task list comes in pieces there are more of them, and none is named.
void find_pages(const Program& program, const RunRecord& record, Timeline& timeline) {
  std::vector<std::uint32_t> ops;
  for (std::uint32_t op = 0; op < program.tasks.operations.size(); ++op) {
    const Operation& operation = program.tasks.operations[op];
    if (operation.posted() && operation.unit() == TaskUnit::kSocDma) {
      ops.push_back(op);
    }
  }
  TraceTrack* const track = track_of(timeline, "soc_dma");
  for (std::size_t i = 0; track != nullptr && i < record.steps.size(); ++i) {
    const StepRecord& step = record.steps[i];
    std::vector<TraceSpan*> spans;
    for (TraceSpan& span : track->spans) {
      if (span.begin >= step.begin && span.begin < step.begin + step.cycles) {
        spans.push_back(&span);
      }
    }
    for (std::size_t n = 0; spans.size() == ops.size() && n < ops.size(); ++n) {
      spans[n]->op = ops[n];
    }
  }
}

void draw_arrows(const Program& program, const RunRecord& record, Timeline& timeline) {
  std::vector<std::map<std::uint32_t, TraceSpan*>> first(record.steps.size());
  for (TraceTrack& track : timeline.tracks) {
    for (TraceSpan& span : track.spans) {
      const auto step = std::ranges::upper_bound(record.steps, span.begin, {}, &StepRecord::begin);
      if (span.op == kNone || step == record.steps.begin()) {
        continue;
      }
      auto& known = first[static_cast<std::size_t>(step - record.steps.begin()) - 1][span.op];
      if (known == nullptr || span.begin < known->begin) {
        known = &span;
      }
    }
  }
  const std::vector<DataArrow> arrows = data_arrows(program.tasks.operations);
  std::uint64_t number = 0;
  for (auto& spans : first) {
    for (const DataArrow& arrow : arrows) {
      const auto from = spans.find(arrow.from);
      const auto to = spans.find(arrow.to);
      if (from != spans.end() && to != spans.end() && from->second->begin <= to->second->begin) {
        from->second->starts.push_back(++number);
        to->second->ends.push_back(number);
      }
    }
  }
}

/// Bytes per cycle: of each span its bytes over its length, between spans none.
TraceCounter bandwidth(const char* name, const TraceTrack& track,
                       const std::vector<std::uint64_t>& bytes) {
  TraceCounter counter{name, "B/cycle", {}};
  for (std::size_t i = 0; i < track.spans.size(); ++i) {
    const TraceSpan& span = track.spans[i];
    const auto cycles = static_cast<double>((span.end - span.begin).raw());
    counter.values.emplace_back(span.begin, static_cast<double>(bytes[i]) / cycles);
    if (i + 1 == track.spans.size() || track.spans[i + 1].begin > span.end) {
      counter.values.emplace_back(span.end, 0);
    }
  }
  return counter;
}

void add_bandwidths(const Program& program, Timeline& timeline) {
  std::vector<TraceCounter> found;
  for (const bool to_l1 : {true, false}) {
    if (const TraceTrack* track = track_of(timeline, to_l1 ? "dma in" : "dma out")) {
      std::vector<std::uint64_t> bytes(track->spans.size());
      for (const TraceTransfer& transfer : timeline.transfers) {
        if (transfer.to_l1 == to_l1 && transfer.span != TraceTransfer::kNoSpan) {
          bytes[transfer.span] = transfer.bytes;
        }
      }
      found.push_back(bandwidth(to_l1 ? "L2 to L1" : "L1 to L2", *track, bytes));
    }
  }
  if (const TraceTrack* track = track_of(timeline, "soc_dma")) {
    std::vector<std::uint64_t> bytes;
    for (const TraceSpan& span : track->spans) {
      const PageTransfer* const page =
          span.op == kNone ? nullptr : program.tasks.operations[span.op].as<PageTransfer>();
      bytes.push_back(page == nullptr ? 0 : page->bytes);
    }
    found.push_back(bandwidth("L3 and L2", *track, bytes));
  }
  std::erase_if(found, [](const TraceCounter& counter) { return counter.values.empty(); });
  timeline.counters.insert(timeline.counters.begin(), found.begin(), found.end());
}

}  // namespace

void trace_operations(const Program& program, const RunRecord& record, Timeline& timeline) {
  std::ranges::sort(timeline.counters, {}, &TraceCounter::name);  // stalls: as they came
  find_transfers(program, record, timeline);
  find_pages(program, record, timeline);
  for (TraceTrack& track : timeline.tracks) {
    for (TraceSpan& span : track.spans) {
      if (span.op != kNone) {
        const Operation& operation = program.tasks.operations.at(span.op);
        span.name = std::visit(NameOfWork{program, operation}, operation.what);
      } else if (track.name == "dma in") {
        span.name = "task list, " + span.name;  // its next piece, for the controller
      }
    }
  }
  draw_arrows(program, record, timeline);
  add_bandwidths(program, timeline);
}

}  // namespace etude::run
