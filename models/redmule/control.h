// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "models/redmule/buffers.h"
#include "models/redmule/plan.h"
#include "models/redmule/streams.h"

namespace etude {

/// What a cycle of a job was spent on: the array advanced, or the one reason why it did not.
enum class RedmuleCycle : std::uint8_t { kBusy, kStart, kX, kW, kYZ, kDrain };

/// The scheduler's registers. Source: redmule_scheduler.
struct RedmuleScheduler {
  bool operator==(const RedmuleScheduler&) const = default;
  enum class State : std::uint8_t { kIdle, kPreload, kLoadW, kWait };
  State state = State::kIdle;
  bool x_done = false, x_reload = false, x_emptied = false, x_refill = false, w_done = false;
  bool z_wait = false;     ///< the last W row of a tile is on its way through the first elements
  bool z_avail = false;    ///< results of a tile come out
  bool y_push = false;     ///< columns of Y go in
  bool first_load = true;  ///< no W row yet
  bool computing = false, engine_enabled = false;
  std::uint16_t x_shift = 0, z_wait_count = 0, z_avail_count = 0, y_push_count = 0, waits = 0;
  std::uint16_t z_height = 0;  ///< columns of the tile whose results come out
  std::uint32_t x_column = 0, x_tile = 0, x_row = 0;  ///< block that the X pad holds or loads
  std::uint32_t w_row = 0, w_column = 0, w_matrix = 0;
  std::uint32_t y_column = 0, y_row = 0;
};

/// The X stream is restarted for every block. Source: redmule_memory_scheduler.
struct RedmuleMemoryScheduler {
  bool operator==(const RedmuleMemoryScheduler&) const = default;
  std::uint64_t blocks_read = 0;
  std::uint32_t block = 0, column = 0, row = 0;
};

/// Where a job stands: the part of the control's state that grows with the job. Everything else is
/// small and repeats itself from tile to tile.
struct RedmuleProgress {
  bool operator==(const RedmuleProgress&) const = default;
  RedmuleBurst x, w, y, z;
  std::uint64_t blocks_read = 0;
  std::uint32_t block = 0, column = 0, row = 0;       ///< of the memory scheduler
  std::uint32_t x_column = 0, x_tile = 0, x_row = 0;  ///< these of the scheduler
  std::uint32_t w_row = 0, w_column = 0, w_matrix = 0;
  std::uint32_t y_column = 0, y_row = 0;
};

/// The control half of RedMulE: everything that decides in which cycle which beat moves, and no
/// data. Plain state, copied freely. In each cycle request() once, then clock().
class RedmuleControl {
 public:
  /// What one cycle did.
  struct Outcome {
    RedmuleCycle cycle = RedmuleCycle::kStart;
    bool tile_filled = false;  ///< the last column of a tile has entered the Z buffer
    bool finished = false;     ///< the done pulse leaves at the end of this cycle
  };

  /// Takes a job over: this is the controller's STARTING state.
  void start(const RedmulePlan& plan);
  /// The stream that asks for the port in this cycle.
  RedmuleStream request() {
    return mux_.choose(xs_.wants_port(), ws_.wants_port(), ys_.wants_port(), zs_.wants_port(),
                       z_.state() == RedmuleZBuffer::State::kPushed || zs_.holds_rows());
  }
  /// The clock edge that ends this cycle.
  Outcome clock(bool granted);
  const RedmulePlan& plan() const { return plan_; }
  /// Another plan with the same left-overs.
  void set_plan(const RedmulePlan& plan) { plan_ = plan; }
  RedmuleProgress progress() const;
  void set_progress(const RedmuleProgress& progress);
  /// A number that differs between most states.
  std::uint64_t fingerprint() const;
  /// Both will do the same from now on, if they are of one job and are granted the same.
  bool same_state(const RedmuleControl& other) const {
    return s_ == other.s_ && xs_ == other.xs_ && ws_ == other.ws_ && ys_ == other.ys_ &&
           zs_ == other.zs_ && mux_ == other.mux_ && x_ == other.x_ && z_ == other.z_ &&
           m_ == other.m_ && phase_ == other.phase_;
  }

 private:
  enum class Phase : std::uint8_t { kIdle, kStarting, kComputing, kFinished };
  /// Combinational signals of a cycle.
  struct Signals {
    bool stall, go;
    bool x_full, x_empty, x_load, x_release, x_reload_set, x_reload_clear, x_row_end;
    bool last_x_column;
    bool w_load, w_tile_end;
    bool z_wait_clear, z_avail_clear, y_push, y_push_clear, z_fill;
    bool pad_setup, start_computation;
    unsigned slots, y_height;
    RedmuleScheduler::State next;
  };

  Signals signals(Outcome& out) const;
  void clock_streams(const Signals& s, const RedmuleZBuffer::Outputs& z, bool granted);
  void clock_blocks();
  void clock_scheduler(const Signals& s, bool z_emptied);
  bool clock_phase(bool go, bool stored);

  RedmulePlan plan_;
  Phase phase_ = Phase::kIdle;
  RedmuleLoadStream xs_, ws_, ys_;
  RedmuleStoreStream zs_;
  RedmulePortMux mux_;
  RedmuleXBuffer x_;
  RedmuleZBuffer z_;
  RedmuleScheduler s_;
  RedmuleMemoryScheduler m_;
};

}  // namespace etude
