// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "compiler/feeds/conv_feeds.h"

namespace etude::compiler {

/// Channels, samples and pixels that are worked on together.
struct ChannelPiece {
  std::uint32_t channel = 0, channels = 1, sample = 0, samples = 1, pixel = 0, pixels = 1;
};

/// How images [samples, channels, pixels] are cut, and the buffers of each tensor that is read.
class ChannelTiles {
 public:
  /// `passes`: times that every element is read; with one, no group need be whole.
  /// `changed`: number of a tensor whose pieces are changed in L1.
  ChannelTiles(LoweringContext& context, const Node& node, const std::vector<TensorId>& tensors,
               unsigned passes, std::optional<std::size_t> changed = {})
      : c_(context), node_(node), tensors_(tensors), passes_(passes), changed_(changed) {
    const Shape& shape = c_.tensor(tensors[0]).shape;
    samples = static_cast<std::uint32_t>(shape[0]);
    channels = static_cast<std::uint32_t>(shape[1]);
    pixels = static_cast<std::uint32_t>(c_.tensor(tensors[0]).elements() / (shape[0] * shape[1]));
  }

  /// Chooses the tiles; call when all other buffers are taken. `out`: a buffer for results is
  /// needed where every tensor that is read is a resident.
  void open(bool out);

  /// Calls `body(first channel, count)` for each group of channels.
  template <typename Body>
  void for_groups(Body&& body) const {
    for (std::uint32_t ch = 0; ch < channels; ch += tile.channels) {
      body(ch, std::min(tile.channels, channels - ch));
    }
  }

  /// Calls `body(piece, whether it is the group's first)`.
  template <typename Body>
  void for_pieces(std::uint32_t channel, std::uint32_t count, Body&& body) const {
    bool first = true;
    for (std::uint32_t s = 0; s < samples; s += tile.samples) {
      for (std::uint32_t p = 0; p < pixels; p += tile.pixels) {
        body(ChannelPiece{channel, count, s, std::min(tile.samples, samples - s), p,
                          std::min(tile.pixels, pixels - p)},
             first);
        first = false;
      }
    }
  }

  /// The piece of tensor number `i` in L1; `fresh` tells whether it has just come.
  ChannelBlock fetch(std::size_t i, const ChannelPiece& piece, bool* fresh = nullptr);

  /// Where the result of a piece goes: over a tensor that was fetched, or into a buffer of its own.
  ChannelBlock place(const ChannelPiece& piece, const std::vector<ChannelBlock>& fetched) {
    if (const std::size_t i = in_place(); i < tensors_.size()) {
      return fetched[i];
    }
    return {buffers_.back().next({}).address, piece.samples, piece.channels, piece.pixels};
  }

  void store(TensorId tensor, const ChannelPiece& piece, const ChannelBlock& from) {
    for (std::uint32_t s = 0; s < piece.samples; ++s) {
      c_.tape.store(part(from, s), stored(tensor, piece, s));
    }
  }

  std::uint32_t samples = 1, channels = 1, pixels = 1;
  ChannelPiece tile;

 private:
  /// A resident serves where pieces are dense in it.
  bool usable(std::size_t i) const {
    return residents_[i] && changed_ != i && tile.pixels == pixels &&
           (tile.samples == 1 || tile.channels == channels);
  }
  /// The last tensor that is loaded; its buffer may be overwritten.
  std::size_t in_place() const {
    for (std::size_t i = tensors_.size(); i-- > 0;) {
      if (!usable(i)) {
        return i;
      }
    }
    return tensors_.size();
  }
  static L1Matrix part(const ChannelBlock& block, std::uint32_t sample) {
    const L1Matrix all{block.address, block.samples * block.channels, block.cols, block.cols};
    return all.slice(sample * block.channels, 0, block.channels, block.cols);
  }
  StoredMatrix stored(TensorId tensor, const ChannelPiece& piece, std::uint32_t sample) const {
    const std::uint32_t plane = (piece.sample + sample) * channels + piece.channel;
    return stored_part(c_, tensor, plane * pixels + piece.pixel, pixels);
  }

  bool fits(const ChannelPiece& t, std::uint32_t copies, Bytes budget, bool out) {
    tile = t;
    std::uint32_t buffers = out && in_place() == tensors_.size() ? 1 : 0;
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      buffers += usable(i) ? 0 : 1;
    }
    copies_ = copies;
    return buffers * copies * (bytes_for(t.channels * t.samples * t.pixels) + Bytes{8}) <= budget;
  }

  void choose(bool out);

  LoweringContext& c_;
  const Node& node_;
  std::vector<TensorId> tensors_;
  unsigned passes_;
  std::optional<std::size_t> changed_;
  std::vector<std::optional<L1Matrix>> residents_;
  std::vector<TileBuffers> buffers_;
  std::uint32_t copies_ = 1;
};

}  // namespace etude::compiler
