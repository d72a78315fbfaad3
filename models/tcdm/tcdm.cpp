// SPDX-License-Identifier: Apache-2.0
#include "models/tcdm/tcdm.h"

#include <algorithm>
#include <string>

#include "models/base/error.h"

namespace etude {

Tcdm::Tcdm(const sc_core::sc_module_name& name, const TcdmConfig& config)
    : sc_core::sc_module(name) {
  check_range(TcdmConfig::kBanks, config.banks, "/platform/cluster/tcdm/banks");
  const std::uint64_t bytes = config.size.raw();
  check_range(TcdmConfig::kSize, static_cast<double>(bytes), "/platform/cluster/tcdm/size");
  if (bytes % config.row_bytes().raw() != 0) {
    throw UserError("/platform/cluster/tcdm/size", std::to_string(bytes) + " bytes",
                    "a multiple of " + std::to_string(config.row_bytes().raw()) + " is needed");
  }
  bank_mask_ = config.banks - 1;
  bytes_.assign(config.size.raw(), 0);
  size_ = static_cast<std::uint32_t>(bytes_.size());
  last_word_ = size() / 4 - 1;
}

void Tcdm::reset() {
  std::fill(bytes_.begin(), bytes_.end(), std::uint8_t{0});
  for (Counter* counter : {&reads_, &writes_, &wasted_reads_, &partial_writes_}) {
    counter->value = 0;
  }
}

void Tcdm::write_bytes(std::uint32_t offset, std::uint32_t value, unsigned enable) {
  ++writes_;
  std::uint8_t* const word = bytes_.data() + offset;
  for (unsigned i = 0; i < 4; ++i) {
    if ((enable >> i & 1) != 0) {
      word[i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
  }
}

std::uint32_t Tcdm::test_and_set(std::uint32_t offset) {
  const std::uint32_t old = read(offset, 4);
  write(offset, 4, 0xFFFFFFFFu);
  return old;
}

void Tcdm::read_wide(std::uint32_t offset, unsigned words, std::uint8_t* out) {
  reads_ += words;
  const std::uint32_t word = offset >> 2;
  const unsigned before_end = std::min<std::uint32_t>(words, last_word_ - word + 1);
  std::memcpy(out, bytes_.data() + 4 * word, 4 * before_end);
  std::memcpy(out + 4 * before_end, bytes_.data(), 4 * (words - before_end));
}

void Tcdm::write_wide(std::uint32_t offset, unsigned words, const std::uint8_t* in,
                      const std::uint64_t* enable, std::uint64_t banks_won) {
  std::uint32_t word = offset >> 2;
  unsigned done = 0;
  unsigned written = 0;
  for (unsigned i = 0; i < words; ++i) {
    const unsigned lanes = enable[i / 16] >> (4 * (i % 16)) & 0xF;
    if ((banks_won >> (word & bank_mask_) & 1) != 0) {
      ++done;
      if (lanes != 0) {
        std::uint32_t value;
        std::memcpy(&value, in + 4 * i, 4);
        write_enabled(4 * word, value, lanes);
        ++written;
      }
    }
    word = word == last_word_ ? 0 : word + 1;
  }
  // A bank that is claimed for a write without any byte is accessed all the same.
  writes_ += done - written;
  if (done != words) {
    partial_writes_ += done;
  }
}

void Tcdm::visit_counters(const CounterVisitor& visit) const {
  for (const Counter* counter : {&reads_, &writes_, &wasted_reads_, &partial_writes_}) {
    visit(*counter);
  }
}

}  // namespace etude
