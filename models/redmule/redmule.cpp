// SPDX-License-Identifier: Apache-2.0
#include "models/redmule/redmule.h"

#include <algorithm>
#include <cstring>

#include "models/base/error.h"
#include "models/redmule/recorder.h"
#include "models/redmule/redmule_regs.h"

namespace etude {
namespace {

constexpr std::uint64_t kNeverRaw = ~std::uint64_t{0};
// From the RTL: a trigger is in the controller's STARTING state five cycles later (pending counter,
// two states of the slave, start flag, controller), and the tiler takes 34 cycles after the cycle
// that follows the write of its last register.
constexpr std::uint64_t kTriggerToStart = 5;
constexpr std::uint64_t kTilerToStart = 35;
constexpr unsigned kFirstJobRegister = ETUDE_REDMULE_X_PTR;

const RedmuleConfig& checked(const RedmuleConfig& config) {
  const std::string place = "/platform/cluster/redmule";
  check_range(RedmuleConfig::kHeight, config.height, place + "/height");
  check_range(RedmuleConfig::kWidth, config.width, place + "/width");
  check_range(RedmuleConfig::kPipe, config.pipe, place + "/pipe");
  check_range(RedmuleConfig::kColumns, config.columns(), place + ": height * (pipe + 1)");
  return config;
}

}  // namespace

Redmule::Redmule(const sc_core::sc_module_name& name, const RedmuleConfig& config)
    : sc_module(name),
      config_(checked(config)),
      port_bytes_(config.port_bytes()),
      silence_limit_(8 * config.columns() + 64 * (config.pipe + 1)),
      data_(config),
      recorder_(std::make_unique<RedmuleRecorder>()) {
  request_.bytes = port_bytes_;
}

Redmule::~Redmule() = default;

void Redmule::reset() {
  clear();
  done_at_ = kNeverRaw;
  tally_ = RedmuleTally{};
  warnings_.clear();
  errata_mask_ = 0;
  estimated_jobs_ = 0;
  used_since_clear_ = false;
}

void Redmule::clear() {
  stop_replay();
  tally_ += run_.tally();
  booked_until_ = 0;
  run_ = RedmuleRun{};
  contexts_ = {};
  write_context_ = run_context_ = pending_ = 0;
  acquired_ = false;
  job_id_ = jobs_done_ = finished_count_ = 0;
  used_since_clear_ = false;
  mode_ = Mode::kIdle;
  silence_ = 0;
  request_.valid = false;
}

void Redmule::reg_write(std::uint32_t offset, std::uint32_t value, Cycle now) {
  offset &= 0xfcu;
  switch (offset) {
    case ETUDE_REDMULE_TRIGGER:
      trigger(now.raw());
      return;
    case ETUDE_REDMULE_SOFT_CLEAR:
      clear();
      return;
    default:
      break;
  }
  if (offset < kFirstJobRegister || offset > ETUDE_REDMULE_ARITH) {
    return;  // generic and reserved registers have no effect
  }
  Context& context = contexts_[write_context_];
  context.registers[(offset - kFirstJobRegister) / 4] = value;
  if (offset == ETUDE_REDMULE_ARITH) {
    context.tiler_written = now.raw();
  }
}

std::uint32_t Redmule::reg_read(std::uint32_t offset, Cycle now) {
  offset &= 0xfcu;
  switch (offset) {
    case ETUDE_REDMULE_ACQUIRE:
      if (acquired_) {
        return static_cast<std::uint32_t>(-2);
      }
      if (pending_ == contexts_.size()) {
        return static_cast<std::uint32_t>(-1);
      }
      acquired_ = true;
      return job_id_++;
    case ETUDE_REDMULE_FINISHED: {
      const std::uint32_t count = finished_count_;
      finished_count_ = 0;
      return count;
    }
    case ETUDE_REDMULE_STATUS: {
      std::uint32_t status = 0;
      for (unsigned i = 0; i < pending_; ++i) {
        status |= 1u << 8 * ((run_context_ + i) % contexts_.size());
      }
      return status;
    }
    case ETUDE_REDMULE_RUNNING_JOB:
      return jobs_done_;
    default:
      break;
  }
  if (offset >= kFirstJobRegister && offset <= ETUDE_REDMULE_ARITH) {
    return contexts_[write_context_].registers[(offset - kFirstJobRegister) / 4];
  }
  return 0;
}

RedmuleJob Redmule::job_of(const Context& context) const {
  const auto& r = context.registers;
  RedmuleJob job;
  job.x = r[0];
  job.w = r[1];
  job.z = r[2];
  job.m = r[3] & 0xffffu;
  job.k = r[3] >> 16;
  job.n = r[4] & 0xffffu;
  job.op = r[5] >> ETUDE_REDMULE_OP_SHIFT & 7u;
  job.format = config_.format == RedmuleConfig::Format::kFp32
                   ? ETUDE_REDMULE_FMT_FP32
                   : r[5] >> ETUDE_REDMULE_FMT_SHIFT & 3u;  // the RTL keeps two of the three bits
  return job;
}

void Redmule::trigger(std::uint64_t now) {
  acquired_ = false;
  if (pending_ == contexts_.size()) {
    warn("overrun", "TRIGGER with both contexts busy: the job is lost");
    return;
  }
  Context& context = contexts_[write_context_];
  context.triggered = now;
  context.without_clear = used_since_clear_;
  check_job(job_of(context), context);
  used_since_clear_ = true;
  write_context_ ^= 1;
  ++pending_;
  if (mode_ == Mode::kIdle) {
    schedule(now + kTriggerToStart);
  }
}

void Redmule::schedule(std::uint64_t earliest) {
  if (pending_ == 0) {
    mode_ = Mode::kIdle;
    return;
  }
  const Context& context = contexts_[run_context_];
  job_ = job_of(context);
  if (job_.m == 0 || job_.n == 0 || job_.k == 0) {
    mode_ = Mode::kHung;  // the iteration counters compare with 0 - 1 and never match
    return;
  }
  plan_ = make_plan(job_, config_);
  start_at_ = std::max(earliest, context.tiler_written + kTilerToStart);
  next_ = start_at_;
  mode_ = Mode::kWaiting;
}

void Redmule::follow_recordings(bool on) {
  follows_ = on;
  recorder_->uses_automata = on;
}

RedmuleRun Redmule::new_run() {
  return RedmuleRun(job_, plan_, recordings_ ? recorder_->automaton(plan_) : nullptr);
}

void Redmule::begin() {
  run_ = new_run();
  // A job that was queued behind another has waited only since that one was over.
  waited_ = start_at_ - std::max(contexts_[run_context_].triggered, booked_until_);
  run_.add_start_cycles(waited_);
  data_.start(job_, plan_);
  done_raised_ = false;
  silence_ = 0;
  mode_ = Mode::kRunning;
  recorder_->candidate = nullptr;
  if (follows_ && recordings_) {
    if (const RedmuleRecording* recording = recorder_->find_again(job_, plan_, silence_limit_)) {
      recorder_->play(*recording, 0);
    }
  }
}

void Redmule::raise_done(std::uint64_t now) {
  done_at_ = now + 1;
  done_raised_ = true;
  finished_count_ = (finished_count_ + 1) & 3;
  ++jobs_done_;
  if (run_.tally().refused > 0) {
    const std::vector<int> errata = errata_of(job_, config_, false, true);
    if (std::find(errata.begin(), errata.end(), 7) != errata.end()) {
      errata_mask_ |= 1u << 7;
      warn("erratum 7",
           std::string("erratum 7: ") + erratum_text(7) + " (" + describe_job(job_) + ")");
    }
  }
}

void Redmule::close_job(std::uint64_t now) {
  tally_ += run_.tally();
  booked_until_ = now + 1;
  run_ = RedmuleRun{};
  run_context_ ^= 1;
  --pending_;
  schedule(now + kTriggerToStart);
}

void Redmule::enter_fallback(const char* why) {
  warn(std::string("fallback ") + why,
       std::string("RedMulE's control ") + why +
           " in this job, as the hardware's would; the rest is done in order and its cycles are an "
           "estimate (" +
           describe_job(job_) + ")");
  mode_ = Mode::kFallback;
  fallback_wait_ = 0;
  ++estimated_jobs_;
}

RedmuleStream Redmule::stream_now() {
  if (mode_ == Mode::kWaiting) {
    begin();
  }
  if (mode_ == Mode::kRunning) {
    const RedmuleStream stream = run_.request();
    if (stream == RedmuleStream::kZ && !data_.z_ready()) {
      enter_fallback("lost operands");
    } else if (stream != RedmuleStream::kNone && !data_.has_room(stream)) {
      enter_fallback("ran ahead");
    } else {
      return stream;
    }
  }
  const RedmuleStream stream = data_.next_missing();
  return stream == RedmuleStream::kW && fallback_wait_ > 0 ? RedmuleStream::kNone : stream;
}

const WideRequest& Redmule::request(Cycle now) {
  request_lightly(now);
  if (request_.valid && request_.write) {
    fetch_write_data();
  }
  return request_;
}

void Redmule::fetch_write_data() {
  unsigned first = 0, count = 0;
  request_.data = data_.z_data(first, count);
  request_.byte_enable.fill(0);
  for (unsigned i = first; i < first + count; ++i) {
    request_.byte_enable[i / 64] |= std::uint64_t{1} << (i % 64);
  }
}

const WideRequest& Redmule::request_lightly(Cycle now) {
  request_.valid = false;
  if (mode_ == Mode::kIdle || mode_ == Mode::kHung || now.raw() < next_) {
    return request_;
  }
  const RedmuleRecorder& r = *recorder_;
  if (!follows_) {
    stop_replay();
  } else if (mode_ == Mode::kWaiting) {
    begin();
  }
  RedmuleStream stream = RedmuleStream::kNone;
  if (r.playing == nullptr) {
    stream = stream_now();
  } else if (r.beat < r.playing->beats().size() && r.playing->beats()[r.beat].cycle == r.position) {
    stream = r.playing->beats()[r.beat].stream;
  }
  request_.stream = stream;
  if (stream == RedmuleStream::kNone) {
    return request_;
  }
  request_.valid = true;
  request_.write = stream == RedmuleStream::kZ;
  request_.address = data_.address(stream);
  return request_;
}

void Redmule::commit(Cycle now, bool granted, const std::uint8_t* data) {
  if (mode_ == Mode::kIdle || mode_ == Mode::kHung || now.raw() < next_) {
    return;
  }
  const RedmuleStream stream = request_.valid ? request_.stream : RedmuleStream::kNone;
  if (recorder_->playing != nullptr && stream != RedmuleStream::kNone && !granted) {
    stop_replay();
    run_.request();  // the same stream; the control has not decided this cycle yet
  }
  if (granted && stream == RedmuleStream::kZ) {
    data_.z_granted();
  } else if (granted && stream != RedmuleStream::kNone) {
    data_.take(stream, data);
  }
  end_cycle(now.raw(), stream, granted);
}

void Redmule::commit_in_place(Cycle now, std::uint8_t* at, std::size_t bytes_before_wrap,
                              std::uint8_t* start) {
  if (mode_ == Mode::kIdle || mode_ == Mode::kHung || now.raw() < next_) {
    return;
  }
  const RedmuleStream stream = request_.valid ? request_.stream : RedmuleStream::kNone;
  if (stream != RedmuleStream::kNone) {
    move(stream, at, bytes_before_wrap, start);
  }
  end_cycle(now.raw(), stream, true);
}

void Redmule::end_cycle(std::uint64_t now, RedmuleStream stream, bool granted) {
  request_.valid = false;
  if (recorder_->playing != nullptr) {
    recorder_->beat += stream != RedmuleStream::kNone ? 1 : 0;
    play_on(now);
  } else {
    step(now, stream, granted);
  }
}

void Redmule::step(std::uint64_t now, RedmuleStream stream, bool granted) {
  next_ = now + 1;
  if (mode_ == Mode::kFallback) {
    if (!done_raised_) {
      run_.fallback_step(stream, granted);
    }
    if (stream == RedmuleStream::kW && granted) {
      fallback_wait_ = config_.pipe;  // a row of W keeps the array busy for P + 1 cycles
    } else if (fallback_wait_ > 0) {
      --fallback_wait_;
    }
    if (data_.finished()) {
      if (!done_raised_) {
        run_.end();
        raise_done(now);
      }
      close_job(now);
    }
    return;
  }
  if (run_.step(stream, granted)) {
    if (!data_.finished() && data_.next_missing() != RedmuleStream::kZ) {
      enter_fallback("ended early");
      return;
    }
    raise_done(now);
    if (data_.finished()) {
      close_job(now);
    } else {
      mode_ = Mode::kFallback;  // only rows of Z that the port has refused are left
    }
    return;
  }
  if (stream != RedmuleStream::kNone) {
    silence_ = 0;
  } else if (++silence_ > silence_limit_) {
    enter_fallback("stopped");
    return;
  }
  const RedmuleRecorder& r = *recorder_;
  if (r.candidate != nullptr && run_.tally().busy >= r.next_busy &&
      (granted || stream == RedmuleStream::kNone)) {
    come_back_to_recording();
  }
}

bool Redmule::take_done_event(Cycle now) {
  if (now.raw() < done_at_) {
    return false;
  }
  done_at_ = kNeverRaw;
  return true;
}

void Redmule::set_memory_window(Address base, Bytes size) {
  has_window_ = true;
  window_base_ = base.raw();
  window_size_ = size.raw();
}

}  // namespace etude
