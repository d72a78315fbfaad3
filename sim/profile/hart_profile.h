// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "models/iss/core/core.h"
#include "sim/profile/cost.h"
#include "sim/profile/program_map.h"

namespace etude {

/// An instruction that has left the pipeline.
struct RetiredInstr {
  std::uint32_t pc;
  std::uint64_t cycle;   ///< its last cycle in EX
  std::uint64_t stalls;  ///< cycles that it waited before
  StallReason why;       ///< the most of them; kCount: none
};

/// What one hart did, by instruction, by chain of calls, and by region. Each cycle is charged to
/// one instruction: its own, and those that it waited; what the end of the run cuts off is charged
/// to the instruction that had not retired. Calls and returns are followed by the link registers ra
/// and t0 and by traps; a jump to another function is a call in tail position.
///
/// Regions: `slti zero, zero, N` (N = 1..2047) begins region N, `slti zero, zero, 0` ends the
/// innermost one. Both are HINTs for custom use: one cycle, and no effect on any core.
class HartProfile final : public CoreObserver {
 public:
  /// A link of a chain of calls: a function, or a region. Node 0 is the hart itself.
  struct Node {
    std::uint32_t parent;
    std::uint32_t label;   ///< index of the function, or kRegion + number
    std::uint64_t cycles;  ///< of its own, without its callees'
  };
  static constexpr std::uint32_t kRegion = 1u << 30;
  /// Calls from one place to one function.
  struct Edge {
    std::uint64_t calls{0};
    Cost inclusive;
  };
  /// A region inside those that it was begun in. Node 0 is outside of all.
  struct RegionNode {
    std::uint32_t parent;
    std::uint32_t number;
    std::uint64_t passes{0};
    Cost inclusive;
  };
  /// A call or a region in time.
  struct Span {
    std::uint64_t begin, end;
    std::uint32_t label;
    std::uint32_t depth;
  };

  /// `map` outlives the profile.
  explicit HartProfile(const ProgramMap& map) : map_(map) {}

  /// Keeps the spans of calls and of regions.
  void keep_spans() { keep_spans_ = true; }
  /// Called for each retired instruction.
  using Log = std::function<void(const Core&, const RetiredInstr&)>;
  void set_log(Log log) { log_ = std::move(log); }

  void booked(const Core& core) override;
  void waited(StallReason why, std::uint64_t cycles) override;
  void ended(const Core& core) override;

  /// Cycles that it was told of so far.
  std::uint64_t clock() const { return clock_; }
  const Cost& total() const { return total_; }
  /// Calls `visit` for each instruction with its cost, in the order of addresses.
  void for_each(const std::function<void(std::uint32_t pc, const Cost&)>& visit) const;
  const std::vector<Node>& nodes() const { return nodes_; }
  /// By address of the calling instruction and index of the function called.
  const std::map<std::pair<std::uint32_t, std::uint32_t>, Edge>& edges() const { return edges_; }
  const std::vector<RegionNode>& regions() const { return regions_; }
  const std::vector<Span>& spans() const { return spans_; }
  const std::vector<Span>& region_spans() const { return region_spans_; }
  /// Ends of regions that nothing had begun, and regions that were open when the run ended.
  std::uint64_t unmatched_ends() const { return unmatched_ends_; }
  std::uint64_t left_open() const { return left_open_; }
  /// Spans that were not kept, since there were too many.
  std::uint64_t spans_left_out() const { return spans_left_out_; }

 private:
  /// What an instruction may do to the chain of calls.
  enum class Flow : std::uint8_t { kNone, kCall, kReturn, kTrap, kMret, kFenceI, kRegion };
  struct Slot {
    std::uint32_t function;
    std::uint8_t length{0};  ///< 0: not looked at yet
    Flow flow{Flow::kNone};
    std::uint16_t region{0};
  };
  /// 4 KiB of code.
  struct Page {
    Slot slot[2048];
    std::uint64_t count[2048]{};
    std::unique_ptr<std::array<std::uint64_t, kStallReasons>[]> stalls;
  };
  /// Instructions that leave the pipeline one after the other and change no chain of calls, but
  /// perhaps the last: they are counted together, and one by one at the end.
  struct Run {
    std::uint32_t pc{0};
    std::uint32_t instructions{0};  ///< 0: none
    std::uint32_t function{0};
    std::uint32_t last{0}, next{0};  ///< address of the last one, and behind it
    Flow flow{Flow::kNone};          ///< of the last one
    std::uint64_t count{0};
  };
  struct Frame {
    std::uint32_t node;
    std::uint32_t function;
    std::uint32_t call_pc;
    std::uint32_t return_pc;  ///< kNowhere: of a trap, or of a region
    bool tail;                ///< jumped to: left with the one below
    bool trap;
    bool region;
    std::uint64_t begin;
    Cost at_begin;
  };
  struct OpenRegion {
    std::uint32_t node;
    std::uint64_t begin;
    Cost at_begin;
  };
  static constexpr std::uint32_t kNowhere = ~0u;

  void straight(const Core& core, std::uint32_t pc, std::uint32_t instructions);
  bool find_run(const Core& core, std::uint32_t pc, std::uint32_t instructions, Run& run);
  void spread(Run& run);
  void spread_all();
  std::uint32_t step(const Core& core, std::uint32_t pc, bool trapped);
  Slot& come_to(const Core& core, std::uint32_t pc);
  void use_page(std::uint32_t number);
  void look_at(const Core& core, std::uint32_t pc, Slot& slot);
  void charge_waits(Page& page, std::uint32_t slot);
  void arrive(const Core& core, std::uint32_t pc, std::uint32_t function);
  void jumped(std::uint32_t function);
  void push(Frame frame, std::uint32_t label);
  void pop();
  bool return_to(std::uint32_t pc);
  void end_trap();
  void settle();
  void keep(std::vector<Span>& spans, std::uint64_t begin, std::uint32_t label, std::size_t depth);
  void begin_region(std::uint32_t number);
  void end_region();
  std::uint32_t top_node() const { return frames_.empty() ? 0 : frames_.back().node; }
  std::uint32_t top_function() const;

  const ProgramMap& map_;
  bool keep_spans_{false};
  Log log_;
  std::map<std::uint32_t, std::unique_ptr<Page>> pages_;
  Page* page_{nullptr};
  std::uint32_t page_number_{~0u};

  static constexpr std::size_t kRuns = 1024;
  std::vector<Run> runs_ = std::vector<Run>(kRuns);  ///< by address and length

  std::uint64_t clock_{0};
  Cost total_;
  std::array<std::uint64_t, kStallReasons> waits_{};  ///< of the instruction in the pipeline
  std::uint32_t waiting_for_{0};                      ///< a bit for each of them

  Flow flow_{Flow::kNone};
  std::uint32_t last_pc_{0};
  std::uint32_t next_pc_{0};  ///< behind it
  std::uint32_t function_{kNowhere};
  std::vector<Frame> frames_;
  std::vector<Node> nodes_{{0, 0, 0}};
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> child_;  ///< by parent, label
  std::uint64_t since_{0};                                                  ///< of the present node
  std::map<std::pair<std::uint32_t, std::uint32_t>, Edge> edges_;
  std::vector<RegionNode> regions_{{0, 0, 0, {}}};
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> region_child_;
  std::vector<OpenRegion> open_;
  std::vector<Span> spans_, region_spans_;
  std::uint64_t unmatched_ends_{0};
  std::uint64_t left_open_{0};
  std::uint64_t spans_left_out_{0};
};

}  // namespace etude
