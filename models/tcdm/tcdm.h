// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <systemc>
#include <vector>

#include "models/base/counter.h"
#include "models/base/types.h"
#include "models/tcdm/tcdm_config.h"

namespace etude {

/// The tightly coupled data memory: single-port banks of 32-bit words, word-interleaved.
/// Offsets are bytes from the start of the memory and must lie inside it (the cluster's decoder
/// answers for that); data come one cycle after the grant, which the cluster's loop accounts for.
/// Storage is linear in the offset: bank = word mod banks, row = word / banks.
class Tcdm : public sc_core::sc_module {
 public:
  /// Throws UserError if the number of banks is not a power of two up to 64, or the size is not a
  /// whole number of rows.
  explicit Tcdm(const sc_core::sc_module_name& name, const TcdmConfig& config);

  /// All bytes zero, counters zero.
  void reset();

  /// Bytes of the whole memory.
  std::uint32_t size() const { return size_; }
  unsigned banks() const { return bank_mask_ + 1; }
  /// Bank of the word at `offset`.
  unsigned bank_of(std::uint32_t offset) const { return (offset >> 2) & bank_mask_; }

  /// The bytes themselves, in address order, little endian; not counted (images, probes, checks).
  std::uint8_t* data() { return bytes_.data(); }
  const std::uint8_t* data() const { return bytes_.data(); }

  /// Reads `bytes` (1, 2, 3 or 4) bytes that lie in one word; the upper bytes of the result are 0.
  std::uint32_t read(std::uint32_t offset, unsigned bytes) {
    ++reads_;
    std::uint32_t value = 0;
    if (bytes == 4) [[likely]] {
      std::memcpy(&value, bytes_.data() + offset, 4);
    } else {
      std::memcpy(&value, bytes_.data() + offset, bytes);
    }
    return value;
  }
  /// Writes the low `bytes` (1, 2, 3 or 4) bytes of `value`, which lie in one word.
  void write(std::uint32_t offset, unsigned bytes, std::uint32_t value) {
    ++writes_;
    if (bytes == 4) [[likely]] {
      std::memcpy(bytes_.data() + offset, &value, 4);
    } else {
      std::memcpy(bytes_.data() + offset, &value, bytes);
    }
  }
  /// Writes the bytes of the aligned word at `offset` whose bit of `enable` (bits 0..3) is set.
  void write_enabled(std::uint32_t offset, std::uint32_t value, unsigned enable) {
    if ((enable & 0xF) == 0xF) [[likely]] {
      write(offset, 4, value);
    } else {
      write_bytes(offset, value, enable);
    }
  }
  /// Returns the aligned word at `offset` and leaves all ones there (two accesses of the bank).
  std::uint32_t test_and_set(std::uint32_t offset);

  /// Reads `words` consecutive words from the aligned `offset` into `out` (4 bytes each); the word
  /// after the last of the memory is the first.
  void read_wide(std::uint32_t offset, unsigned words, std::uint8_t* out);
  /// Writes those bytes of `words` consecutive words from the aligned `offset` whose bit of
  /// `enable` is set (bit i = byte i of the port; array of (4 * words + 63) / 64 elements) and
  /// whose bank is in `banks_won` (bit b = bank b): a refused wide write still reaches the banks it
  /// got.
  void write_wide(std::uint32_t offset, unsigned words, const std::uint8_t* in,
                  const std::uint64_t* enable, std::uint64_t banks_won = ~std::uint64_t{0});
  /// Counts bank reads whose data nobody takes: a refused wide read in the banks that it got.
  void count_wasted_reads(unsigned n) { wasted_reads_ += n; }
  /// Counts words moved through data() by an accelerator that had the memory to itself.
  void count_wide(std::uint64_t words_read, std::uint64_t words_written) {
    reads_ += words_read;
    writes_ += words_written;
  }

  void visit_counters(const CounterVisitor& visit) const;

 private:
  void write_bytes(std::uint32_t offset, std::uint32_t value, unsigned enable);

  std::vector<std::uint8_t> bytes_;
  std::uint32_t size_;
  std::uint32_t bank_mask_;
  std::uint32_t last_word_;

  Counter reads_{"reads", "accesses", "Words read from a bank and used"};
  Counter writes_{"writes", "accesses", "Words written to a bank, partly or whole"};
  Counter wasted_reads_{"wasted_reads", "accesses",
                        "Words read for a wide access that was refused as a whole"};
  Counter partial_writes_{"partial_writes", "accesses",
                          "Words written by a wide access that was refused as a whole (also in "
                          "writes)"};
};

}  // namespace etude
