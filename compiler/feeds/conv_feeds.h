// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "compiler/feeds/context.h"
#include "compiler/feeds/packed_feed.h"
#include "compiler/tiling/conv_tiling.h"

namespace etude::compiler {

/// The whole tensor in L1, dense; nothing if it does not stand there like that.
std::optional<L1Matrix> dense_resident(LoweringContext& context, TensorId tensor);

/// A part of a tensor in L2, `offset` elements from its start, with rows `pitch` elements apart.
StoredMatrix stored_part(const LoweringContext& context, TensorId tensor, std::uint32_t offset,
                         std::uint32_t pitch);

/// `count` planes of `size` elements each of a dense tensor in L1.
L1Matrix planes_of(const L1Matrix& whole, std::uint32_t size, std::uint32_t first,
                   std::uint32_t count);

/// Buffers that take turns; a tile that is still in one is found by its key.
class TileBuffers {
 public:
  using Key = std::array<std::uint32_t, 5>;
  struct Slot {
    Address address;  ///< of the tile as the unit reads it
    Address staged;   ///< of what it is made of
    Address packed;   ///< of that as it is stored, if it is decoded
    std::optional<Key> key;
    L1Matrix matrix;
  };
  /// `copies` buffers of `bytes`, each with another of `staged_bytes`; none of no bytes.
  void open(LoweringContext& context, std::uint32_t copies, Bytes bytes, Bytes staged_bytes = {});
  /// Gives each another buffer, for what is stored packed.
  void add_packed(PackedFeed& feed, std::uint32_t rows, std::uint32_t cols);
  const L1Matrix* find(const Key& key) const;
  Slot& next(const Key& key);

 private:
  std::vector<Slot> slots_;
  std::size_t turn_ = 0;
};

/// What the feeds of one convolution share.
struct ConvTensors {
  const ConvProblem& problem;
  const ConvTiling& tiling;
  TensorId x{}, w{}, dy{};
};

/// Tiles [outputs, channels * taps] of the weight, decoded by the cores where it is stored packed;
/// `transposed`: for RedMulE the other way round.
class WeightFeed {
 public:
  WeightFeed(LoweringContext& context, const ConvTensors& conv, bool transposed);
  L1Matrix fetch(std::uint32_t output0, std::uint32_t outputs, std::uint32_t channel0,
                 std::uint32_t channels);

 private:
  LoweringContext& c_;
  const ConvTensors& conv_;
  bool transposed_;
  std::optional<PackedFeed> packed_;
  TileBuffers buffers_;
};

/// Tiles [outputs, pixels of a strip] of the gradient.
class GradientFeed {
 public:
  GradientFeed(LoweringContext& context, const ConvTensors& conv);
  L1Matrix fetch(std::uint32_t output0, std::uint32_t outputs, const Strip& strip);

 private:
  LoweringContext& c_;
  const ConvTensors& conv_;
  std::optional<L1Matrix> whole_;
  TileBuffers buffers_;
};

/// Columns [channels * taps, pixels of a strip] of the image, or rows, the transpose of it.
class ColumnFeed {
 public:
  ColumnFeed(LoweringContext& context, const ConvTensors& conv, bool rows);
  /// `channel0` counts over all groups.
  L1Matrix fetch(std::uint32_t channel0, std::uint32_t channels, const Strip& strip);

 private:
  L1Matrix pointwise(std::uint32_t channel0, std::uint32_t channels, const Strip& strip,
                     TileBuffers::Slot& slot);
  void load_image(std::uint32_t channel0, std::uint32_t channels, std::uint32_t sample,
                  const ImageRows& rows, const L1Matrix& to);

  LoweringContext& c_;
  const ConvTensors& conv_;
  bool rows_;
  bool in_place_ = false;
  std::optional<L1Matrix> whole_;
  TileBuffers buffers_;
};

}  // namespace etude::compiler
