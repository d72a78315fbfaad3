// SPDX-License-Identifier: Apache-2.0
#include "models/extmem/flash.h"

#include <algorithm>
#include <utility>

#include "models/base/error.h"
#include "models/base/memory_transfer.h"

namespace etude {

Flash::Flash(const sc_core::sc_module_name& name, const FlashConfig& config,
             const ClusterClock& clock)
    : sc_module(name),
      config_(config),
      clock_(clock),
      storage_(config.size.raw()),
      wear_(config.size.raw() / kSectorBytes, 0) {
  const std::string place = "/platform/flash/";
  check_range(FlashConfig::kSize, static_cast<double>(config.size.raw()), place + "size");
  if (config.size.raw() % FlashConfig::kSectorBytes != 0) {
    throw UserError(place + "size", std::to_string(config.size.raw()) + " bytes",
                    "a whole number of 4096-byte sectors is needed");
  }
  check_range(FlashConfig::kRead, config.read_mb_s, place + "read_mb_s");
  check_range(FlashConfig::kTime, config.access_ns, place + "access_ns");
  check_range(FlashConfig::kTime, config.page_program_us, place + "page_program_us");
  check_range(FlashConfig::kTime, config.sector_erase_ms, place + "sector_erase_ms");
  check_range(FlashConfig::kEndurance, config.endurance, place + "endurance");
  in_bus_.bind(*this);
}

void Flash::reset() {
  free_ = 0;
  reading_ = lost_warned_ = wear_warned_ = false;
  warnings_.clear();
  for (Counter* counter : {&read_bytes_, &reads_, &program_bytes_, &pages_, &sectors_, &most_worn_,
                           &busy_, &conflicts_, &lost_bits_}) {
    counter->value = 0;
  }
}

void Flash::read(tlm::tlm_generic_payload& payload) {
  const std::uint8_t* place = storage_.data() + payload.get_address();
  std::uint8_t* data = payload.get_data_ptr();
  for (unsigned i = 0; i < payload.get_data_length(); ++i) {
    data[i] = static_cast<std::uint8_t>(~place[i]);
  }
}

void Flash::program(tlm::tlm_generic_payload& payload) {
  std::uint8_t* place = storage_.data() + payload.get_address();
  std::uint64_t lost = 0;
  for_each_enabled_byte(payload, [&](unsigned i, std::uint8_t value) {
    place[i] |= static_cast<std::uint8_t>(~value);
    lost += place[i] != static_cast<std::uint8_t>(~value) ? 1 : 0;
  });
  lost_bits_ += lost;
  if (lost > 0 && !std::exchange(lost_warned_, true)) {
    warnings_.push_back("flash: " + std::to_string(lost) + " bytes at offset " +
                        std::to_string(payload.get_address()) +
                        " were programmed over zeros, which only erasing a sector sets to one");
  }
}

void Flash::erase(tlm::tlm_generic_payload& payload) {
  const std::uint64_t first = payload.get_address() / kSectorBytes;
  const std::uint64_t last = (payload.get_address() + payload.get_data_length() - 1) / kSectorBytes;
  std::fill_n(storage_.data() + first * kSectorBytes, (last - first + 1) * kSectorBytes,
              std::uint8_t{0});
  for (std::uint64_t sector = first; sector <= last; ++sector) {
    if (++wear_[sector] > most_wear_) {
      ++most_wear_;
      ++most_worn_;
    }
    if (wear_[sector] > config_.endurance && !std::exchange(wear_warned_, true)) {
      warnings_.push_back("flash: sector " + std::to_string(sector) +
                          " was erased more often than its endurance of " +
                          std::to_string(config_.endurance) + " cycles");
    }
  }
}

void Flash::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  if (!in_range(payload, storage_.size()) || payload.get_data_length() == 0) {
    return;
  }
  const bool erases = access_of(payload).kind == AccessExtension::Kind::kErase;
  const std::uint64_t address = payload.get_address();
  const std::uint64_t bytes = payload.get_data_length();
  const std::uint64_t asked = clock_.after(delay).raw();
  const std::uint64_t start = std::max(asked, free_);
  conflicts_ += start - asked;
  const double stream_ns = 1000.0 / config_.read_mb_s;
  std::uint64_t end = 0;
  if (erases) {
    erase(payload);
    const std::uint64_t sectors = (address + bytes - 1) / kSectorBytes - address / kSectorBytes + 1;
    sectors_ += sectors;
    end = start + clock_.cycles(config_.sector_erase_ms * 1e6 * static_cast<double>(sectors));
    reading_ = false;
  } else if (payload.is_write()) {
    program(payload);
    const std::uint64_t pages = (address + bytes - 1) / kPageBytes - address / kPageBytes + 1;
    pages_ += pages;
    program_bytes_ += bytes;
    end = start + clock_.cycles(static_cast<double>(bytes) * stream_ns +
                                static_cast<double>(pages) * config_.page_program_us * 1000.0);
    reading_ = false;
  } else {
    read(payload);
    // A read that goes on where the last one stopped, asked for in time, needs no new command.
    if (!(reading_ && next_ == address && asked <= free_)) {
      start_ = start;
      streamed_ = 0;
      ++reads_;
    }
    streamed_ += bytes;
    read_bytes_ += bytes;
    end = start_ + clock_.cycles(config_.access_ns + static_cast<double>(streamed_) * stream_ns);
    reading_ = true;
    next_ = address + bytes;
  }
  busy_ += end - start;
  free_ = end;
  payload.set_response_status(tlm::TLM_OK_RESPONSE);
  delay = clock_.delay_to(Cycle{end});
}

unsigned Flash::transport_dbg(tlm::tlm_generic_payload& payload) {
  if (!in_range(payload, storage_.size())) {
    return 0;
  }
  if (payload.is_read()) {
    read(payload);
  } else {
    std::uint8_t* place = storage_.data() + payload.get_address();
    for_each_enabled_byte(payload, [place](unsigned i, std::uint8_t value) {
      place[i] = static_cast<std::uint8_t>(~value);
    });
  }
  payload.set_response_status(tlm::TLM_OK_RESPONSE);
  return payload.get_data_length();
}

std::vector<std::string> Flash::take_warnings() { return std::exchange(warnings_, {}); }

void Flash::visit_counters(const CounterVisitor& visit) const {
  for (const Counter* counter : {&read_bytes_, &reads_, &program_bytes_, &pages_, &sectors_,
                                 &most_worn_, &busy_, &conflicts_, &lost_bits_}) {
    visit(*counter);
  }
}

}  // namespace etude
