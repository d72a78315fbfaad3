// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <systemc>
#include <vector>

#include "models/base/counter.h"
#include "models/base/types.h"
#include "models/redmule/datapath.h"
#include "models/redmule/errata.h"
#include "models/redmule/redmule_config.h"
#include "models/redmule/run.h"
#include "models/redmule/tally.h"

namespace etude {

class RedmuleRecorder;

/// One access of the wide port: `bytes` consecutive bytes from a word-aligned address.
struct WideRequest {
  bool valid = false;
  bool write = false;
  RedmuleStream stream = RedmuleStream::kNone;
  std::uint32_t address = 0;                   ///< byte address of the first word
  std::uint32_t bytes = 0;                     ///< width of the port
  std::array<std::uint64_t, 5> byte_enable{};  ///< writes: bit i = byte i of the port is written
  const std::uint8_t* data = nullptr;          ///< writes: `bytes` bytes
};

/// A linear view of the memory behind the port: address a stands at byte
/// (a - base) mod size; an access that passes the end goes on at the start.
struct RedmuleMemory {
  std::uint8_t* bytes = nullptr;
  std::uint32_t base = 0;
  std::uint32_t size = 0;
};

/// What a stretch without contention did.
struct RedmuleAdvance {
  std::uint64_t cycles = 0;  ///< cycles taken
  std::uint64_t read_beats = 0, write_beats = 0;
};

/// RedMulE, the matrix engine of PULP clusters: register file with two job contexts, tiler,
/// scheduler, streamers and an L x H array, stepped cycle by cycle as its RTL (51cd064) behaves.
/// The cluster's loop calls, in each cycle in which next_activity() is due: request(now), then
/// commit(now, granted, data); register accesses of the same cycle come before or after, they never
/// act before the next cycle. See docs/models/redmule.md.
class Redmule : public sc_core::sc_module {
 public:
  /// Throws UserError if the array's size is out of range.
  explicit Redmule(const sc_core::sc_module_name& name, const RedmuleConfig& config);
  ~Redmule() override;

  /// As after power-on; counters and warnings too.
  void reset();

  /// A store of a core to register `offset` (bytes from the base). Throws ProgramError if the job
  /// that it triggers falls into an erratum that breaks data and the configuration says `error`.
  void reg_write(std::uint32_t offset, std::uint32_t value, Cycle now);
  /// A load of register `offset`.
  std::uint32_t reg_read(std::uint32_t offset, Cycle now);

  /// The access that RedMulE asks for in `now`; refused ones are repeated unchanged. Must come
  /// before each commit().
  const WideRequest& request(Cycle now);
  /// The end of cycle `now`: `granted` answers its request; `data` are the bytes read (only looked
  /// at if a read was granted), which RedMulE sees in the next cycle.
  void commit(Cycle now, bool granted, const std::uint8_t* data);

  /// request() without the bytes of a write, which are fetched for a partial write only.
  const WideRequest& request_lightly(Cycle now);
  void fetch_write_data();
  /// commit() of a request_lightly() that was granted, or that asked for nothing: moves the bytes
  /// to or from `at`, where `bytes_before_wrap` bytes of the memory follow, then those from
  /// `start` on.
  void commit_in_place(Cycle now, std::uint8_t* at, std::size_t bytes_before_wrap,
                       std::uint8_t* start);

  /// The earliest cycle in which it can do anything by itself: a step of a job, or raising the done
  /// event; kNever when idle (or hung).
  Cycle next_activity() const {
    const bool works = mode_ != Mode::kIdle && mode_ != Mode::kHung;
    return Cycle{works && next_ < done_at_ ? next_ : done_at_};
  }
  /// True once per job, in the cycle of its done event or later (event 12 of the event unit).
  bool take_done_event(Cycle now);
  /// A done event waits for take_done_event().
  bool has_done_event() const { return done_at_ != kNever.raw(); }

  /// The running job's done event is out, and rows of its Z are still to be stored: the port was
  /// refused.
  bool stores_late() const { return done_raised_ && mode_ == Mode::kFallback; }

  /// Runs up to `max_cycles` cycles from `now` on its own: nobody else touches the memory, every
  /// request is granted. Stops after the cycle in which a job's last step is done (its event is due
  /// in the cycle that follows) or when there is nothing to do. Cycles, data, counters and the
  /// order of accesses are those of stepping.
  RedmuleAdvance advance_uncontended(Cycle now, std::uint64_t max_cycles,
                                     const RedmuleMemory& memory);

  /// A job is queued or running.
  bool busy() const { return pending_ > 0; }
  /// The accelerator waits for ever, as the hardware would; SOFT_CLEAR frees it.
  bool hung() const { return mode_ == Mode::kHung; }
  const RedmuleConfig& config() const { return config_; }
  /// Jobs outside [base, base + size) get a warning; without a window none does.
  void set_memory_window(Address base, Bytes size);

  RedmuleTally tally() const;
  void visit_counters(const CounterVisitor& visit) const;
  /// What the user should know: jobs that fall into errata, degenerate jobs, hangs.
  std::vector<std::string> take_warnings();
  /// Jobs since power-on whose control stopped or lost step, so that their cycles are an estimate.
  std::uint64_t estimated_jobs() const { return estimated_jobs_; }
  /// Errata that any job fell into, ascending.
  std::vector<int> errata_seen() const;

  /// Lets jobs follow recordings of their shape in request() and commit() too, as long as nothing
  /// is refused. Cycles, data and counters are those of stepping.
  void follow_recordings(bool on);
  /// For tests: portable arithmetic instead of vectors; no recordings.
  void use_vectors(bool on) { data_.use_vectors(on); }
  void use_recordings(bool on) { recordings_ = on; }

 private:
  struct Context {
    std::array<std::uint32_t, 6> registers{};
    std::uint64_t tiler_written = 0;  ///< cycle of the write of 0x54
    std::uint64_t triggered = 0;
    bool without_clear = false;
  };
  /// kWaiting: a job is queued and starts at start_at_. kFallback: the control would never finish,
  /// the rest is done in order. kHung: as the hardware, for ever.
  enum class Mode : std::uint8_t { kIdle, kWaiting, kRunning, kFallback, kHung };
  struct Warning {
    std::string key, text;
    std::uint64_t count = 0;
  };

  RedmuleJob job_of(const Context& context) const;
  void trigger(std::uint64_t now);
  void schedule(std::uint64_t earliest);
  RedmuleRun new_run();
  void begin();
  void raise_done(std::uint64_t now);
  void close_job(std::uint64_t now);
  void clear();
  void check_job(const RedmuleJob& job, const Context& context);
  /// What is odd about a job's registers, in one sentence; empty if nothing is.
  std::string odd_registers(const RedmuleJob& job, const Context& context) const;
  void warn(const std::string& key, const std::string& text);
  void step(std::uint64_t now, RedmuleStream stream, bool granted);
  RedmuleStream stream_now();
  void enter_fallback(const char* why);
  void transfer(RedmuleStream stream, const RedmuleMemory& memory, RedmuleAdvance& out);
  void move(RedmuleStream stream, std::uint8_t* at, std::size_t bytes_before_wrap,
            std::uint8_t* start);
  void end_cycle(std::uint64_t now, RedmuleStream stream, bool granted);
  std::uint64_t replay(std::uint64_t now, std::uint64_t cycles, const RedmuleMemory& memory,
                       RedmuleAdvance& out);
  void join_recording(std::uint64_t now);
  void come_back_to_recording();
  void play_on(std::uint64_t now);
  void stop_replay();

  RedmuleConfig config_;
  unsigned port_bytes_;
  std::uint64_t silence_limit_;
  std::array<Context, 2> contexts_{};
  unsigned write_context_ = 0, run_context_ = 0, pending_ = 0;
  bool acquired_ = false;
  std::uint8_t job_id_ = 0, jobs_done_ = 0, finished_count_ = 0;
  bool used_since_clear_ = false;

  Mode mode_ = Mode::kIdle;
  std::uint64_t start_at_ = 0;      ///< first cycle of the controller's STARTING state
  std::uint64_t next_ = 0;          ///< the cycle that is stepped next
  std::uint64_t waited_ = 0;        ///< cycles of the running job before start_at_
  std::uint64_t booked_until_ = 0;  ///< first cycle that no finished job has counted
  std::uint64_t done_at_ = ~std::uint64_t{0};
  RedmuleJob job_;
  RedmulePlan plan_;
  RedmuleRun run_;
  RedmuleDatapath data_;
  WideRequest request_;
  RedmuleTally tally_;          ///< of jobs that are over
  std::uint64_t silence_ = 0;   ///< cycles in a row without a request: a deadlock if too many
  bool done_raised_ = false;    ///< the running job's event is out; rows of Z may still be refused
  unsigned fallback_wait_ = 0;  ///< cycles until the fallback may take the next row of W

  std::unique_ptr<RedmuleRecorder> recorder_;
  bool recordings_ = true;
  bool follows_ = false;

  bool has_window_ = false;
  std::uint32_t window_base_ = 0;
  std::uint64_t window_size_ = 0;
  std::vector<Warning> warnings_;
  std::uint32_t errata_mask_ = 0;
  std::uint64_t estimated_jobs_ = 0;
};

}  // namespace etude
