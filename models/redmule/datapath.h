// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "models/redmule/control.h"
#include "models/redmule/kernel.h"

namespace etude {

/// The data half of RedMulE: addresses of the beats of each stream, what they carry, and the
/// arithmetic. Streams never reorder, so that a beat's place follows from its number alone; data
/// are taken when a beat is granted, and a tile is computed when all its beats are there and its
/// first row of Z is due.
class RedmuleDatapath {
 public:
  explicit RedmuleDatapath(const RedmuleConfig& config);

  /// Forgets everything and takes `job` over.
  void start(const RedmuleJob& job, const RedmulePlan& plan);

  /// Byte address (word-aligned) of the next beat of `stream`.
  std::uint32_t address(RedmuleStream stream) const {
    return cursor(stream).address & ~std::uint32_t{3};
  }
  /// A read beat was granted: `data` are the port's bytes.
  void take(RedmuleStream stream, const std::uint8_t* data);
  /// False if a read beat would overwrite operands that are still needed: the control has lost step
  /// with the data, which the hardware's errata allow and a working job never does.
  bool has_room(RedmuleStream stream) const {
    return stream == RedmuleStream::kZ || cursor(stream).tile < z_.tile + kSlots;
  }
  /// True if the next beat of Z can be given.
  bool z_ready() const;
  /// The port's bytes of the next beat of Z and which of them are written: `count` from `first`.
  const std::uint8_t* z_data(unsigned& first, unsigned& count);
  /// That beat was granted.
  void z_granted();
  /// True when every beat of Z is out.
  bool finished() const { return z_.number == plan_.z_beats; }
  /// The next stream that an in-order fallback would serve to finish the job; kNone when finished.
  RedmuleStream next_missing() const;

  /// Chooses the portable kernels (for tests).
  void use_vectors(bool on);

 private:
  /// Where a stream stands: beat number and the loop counters of its address generator.
  struct Cursor {
    std::uint64_t number = 0;
    std::uint32_t address = 0;
    std::uint32_t inner = 0, block = 0, column = 0, row = 0;
    std::uint64_t tile = 0;
  };
  /// Operands of a tile; tiles in flight share a ring.
  struct Slot {
    std::vector<float> x, w, y;
  };
  static constexpr unsigned kSlots = kRedmuleTilesInFlight;

  const Cursor& cursor(RedmuleStream stream) const {
    switch (stream) {
      case RedmuleStream::kX:
        return x_;
      case RedmuleStream::kW:
        return w_;
      case RedmuleStream::kY:
        return y_;
      default:
        return z_;
    }
  }
  void advance_x();
  void advance_w();
  void advance_rows(Cursor& cursor);
  void unpack(const std::uint8_t* data, unsigned shift, unsigned valid, float* out) const;
  void compute(std::uint64_t tile);
  std::uint32_t rows_of(std::uint32_t row_block) const;

  unsigned element_bytes_;
  bool fp32_, vectors_;
  unsigned columns_;         ///< D
  unsigned padded_columns_;  ///< D rounded up to 8 floats
  unsigned rows_;            ///< L
  RedmuleJob job_;
  RedmulePlan plan_;
  std::uint32_t x_stride_ = 0, z_stride_ = 0;  ///< bytes between rows in memory
  std::uint32_t x_floats_ = 0;                 ///< floats between rows in a slot
  redmule::TileKernel kernel_ = nullptr;
  Cursor x_, w_, y_, z_;
  std::array<Slot, kSlots> slots_;
  std::vector<float> result_;
  std::uint64_t computed_ = 0;  ///< tiles computed
  std::array<std::uint8_t, 272> out_{};
};

}  // namespace etude
