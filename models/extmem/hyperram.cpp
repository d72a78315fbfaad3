// SPDX-License-Identifier: Apache-2.0
#include "models/extmem/hyperram.h"

#include <algorithm>
#include <cmath>

#include "models/base/error.h"
#include "models/base/memory_transfer.h"

namespace etude {

namespace {

/// Bytes that move between the access time and the cap on chip select, whole 16-bit words.
std::uint64_t cap_bytes(const HyperramConfig& config) {
  const std::string place = "/platform/hyperram/";
  check_range(HyperramConfig::kSize, static_cast<double>(config.size.raw()), place + "size");
  check_range(HyperramConfig::kBandwidth, config.bandwidth_mb_s, place + "bandwidth_mb_s");
  check_range(HyperramConfig::kAccess, config.access_ns, place + "access_ns");
  check_range(HyperramConfig::kRecovery, config.recovery_ns, place + "recovery_ns");
  check_range(HyperramConfig::kBurstCap, config.burst_cap_ns, place + "burst_cap_ns");
  if (!(config.burst_bytes() >= HyperramConfig::kLeastBurst)) {
    throw UserError(place + "burst_cap_ns", "it leaves no time for data",
                    "more than access_ns and the time of two bytes");
  }
  return static_cast<std::uint64_t>(std::floor(config.burst_bytes())) & ~std::uint64_t{1};
}

}  // namespace

Hyperram::Hyperram(const sc_core::sc_module_name& name, const HyperramConfig& config,
                   const ClusterClock& clock)
    : sc_module(name),
      config_(config),
      clock_(clock),
      burst_bytes_(cap_bytes(config)),
      storage_(config.size.raw()) {
  in_bus_.bind(*this);
}

void Hyperram::reset() {
  burst_ = {};
  for (Counter* counter : {&read_bytes_, &write_bytes_, &bursts_, &busy_, &conflicts_}) {
    counter->value = 0;
  }
}

void Hyperram::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  if (!transfer_data(payload, storage_.data(), storage_.size())) {
    return;
  }
  const std::uint64_t asked = clock_.after(delay).raw();
  const std::uint64_t recovery = clock_.cycles(config_.recovery_ns);
  const bool write = payload.is_write();
  std::uint64_t address = payload.get_address();
  std::uint64_t left = payload.get_data_length();
  (write ? write_bytes_ : read_bytes_) += left;
  std::uint64_t now = asked;
  bool waited = false;
  while (left > 0) {
    const bool continues = burst_.open && burst_.write == write && burst_.next == address &&
                           now <= burst_.end && burst_.bytes < burst_bytes_;
    const std::uint64_t end_before = burst_.end;
    if (!continues) {
      const std::uint64_t start = burst_.open ? std::max(now, burst_.end + recovery) : now;
      if (!waited && burst_.open && asked < burst_.end) {
        conflicts_ += burst_.end - asked;
      }
      burst_ = {true, write, start, address, 0, start};
      ++bursts_;
      busy_ += recovery;
    } else if (!waited && asked < burst_.end) {
      conflicts_ += burst_.end - asked;
    }
    waited = true;
    const std::uint64_t bytes = std::min(left, burst_bytes_ - burst_.bytes);
    burst_.bytes += bytes;
    burst_.next = address + bytes;
    // From the start of the burst, so that no piece adds a rounding of its own.
    burst_.end = burst_.start +
                 clock_.cycles(config_.access_ns +
                               1000.0 * static_cast<double>(burst_.bytes) / config_.bandwidth_mb_s);
    busy_ += burst_.end - (continues ? end_before : burst_.start);
    address += bytes;
    left -= bytes;
    now = burst_.end;
  }
  delay = clock_.delay_to(Cycle{now});
}

unsigned Hyperram::transport_dbg(tlm::tlm_generic_payload& payload) {
  return transfer_data(payload, storage_.data(), storage_.size()) ? payload.get_data_length() : 0;
}

void Hyperram::visit_counters(const CounterVisitor& visit) const {
  for (const Counter* counter : {&read_bytes_, &write_bytes_, &bursts_, &busy_, &conflicts_}) {
    visit(*counter);
  }
}

}  // namespace etude
