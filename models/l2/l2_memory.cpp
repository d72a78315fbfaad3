// SPDX-License-Identifier: Apache-2.0
#include "models/l2/l2_memory.h"

#include <algorithm>

#include "models/base/memory_transfer.h"

namespace etude {

namespace {
constexpr unsigned kBeatBytes = 8;
}

L2Memory::L2Memory(const sc_core::sc_module_name& name, const L2Config& config,
                   const ClusterClock& clock)
    : sc_module(name), config_(config), clock_(clock), storage_(config.size.raw()) {
  check_range(L2Config::kSize, static_cast<double>(config.size.raw()), "/platform/l2/size");
  check_range(L2Config::kLatency, static_cast<double>(config.latency.raw()),
              "/platform/l2/latency");
  check_range(L2Config::kLatency, static_cast<double>(config.core_latency.raw()),
              "/platform/l2/core_latency");
  in_bus_.bind(*this);
}

void L2Memory::reset() {
  read_channel_ = write_channel_ = {};
  touched_ = {};
  for (Counter* counter :
       {&reads_, &writes_, &read_bytes_, &write_bytes_, &read_busy_, &write_busy_, &conflicts_}) {
    counter->value = 0;
  }
}

std::uint64_t L2Memory::time_word(bool write, std::uint64_t now) {
  // The word takes its beat when a burst asked for in the same cycle would; the rest of the way
  // back is the core's.
  const std::uint64_t there = std::min(config_.latency.raw(), config_.core_latency.raw());
  Channel& channel = write ? write_channel_ : read_channel_;
  const std::uint64_t beat = channel.reserve(now + there, 1);
  conflicts_ += beat - (now + there);
  ++(write ? write_busy_ : read_busy_);
  return beat + config_.core_latency.raw() - there;
}

std::uint64_t L2Memory::time_read(std::uint64_t now, std::uint64_t beats) {
  const std::uint64_t earliest = now + config_.latency.raw();
  const std::uint64_t first = read_channel_.reserve(earliest, beats);
  conflicts_ += first - earliest;
  read_busy_ += beats;
  return first;
}

std::uint64_t L2Memory::time_write(std::uint64_t first_w, std::uint64_t last_w,
                                   std::uint64_t beats) {
  const std::uint64_t first = write_channel_.reserve(first_w, beats);
  const std::uint64_t last = std::max(last_w, first + beats - 1);
  conflicts_ += last - last_w;
  write_busy_ += beats;
  return last + config_.latency.raw();
}

void L2Memory::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  if (!transfer_data(payload, storage_.data(), storage_.size())) {
    return;
  }
  const AccessExtension& access = access_of(payload);
  const bool write = payload.is_write();
  const std::uint64_t bytes = payload.get_data_length();
  const std::uint64_t now = clock_.after(delay).raw();
  const std::uint64_t beats =
      (payload.get_address() % kBeatBytes + bytes + kBeatBytes - 1) / kBeatBytes;
  std::uint64_t answer = 0;
  if (access.kind == AccessExtension::Kind::kWord) {
    answer = time_word(write, now);
  } else if (write) {
    const std::uint64_t span = beats - 1;
    const std::uint64_t first =
        access.first_w != kNever ? access.first_w.raw() : now - std::min(now, span);
    answer = time_write(first, now, beats);
  } else {
    answer = time_read(now, beats);
  }
  ++(write ? writes_ : reads_);
  (write ? write_bytes_ : read_bytes_) += bytes;
  touched_ = std::max(touched_, Bytes{payload.get_address() + bytes});
  delay = clock_.delay_to(Cycle{answer});
}

unsigned L2Memory::transport_dbg(tlm::tlm_generic_payload& payload) {
  return transfer_data(payload, storage_.data(), storage_.size()) ? payload.get_data_length() : 0;
}

void L2Memory::visit_counters(const CounterVisitor& visit) const {
  for (const Counter* counter :
       {&reads_, &writes_, &read_bytes_, &write_bytes_, &read_busy_, &write_busy_, &conflicts_}) {
    visit(*counter);
  }
}

}  // namespace etude
