// SPDX-License-Identifier: Apache-2.0
#include "compiler/feeds/channel_tiles.h"

#include <algorithm>
#include <optional>

#include "models/base/error.h"

namespace etude::compiler {

namespace {

/// Tiles of less work than this are not worth a kernel.
constexpr std::uint32_t kSmallTile = 4096;

}  // namespace

void ChannelTiles::open(bool out) {
  for (TensorId tensor : tensors_) {
    residents_.push_back(dense_resident(c_, tensor));
  }
  choose(out);
  const Bytes bytes = bytes_for(tile.channels * tile.samples * tile.pixels);
  const std::uint32_t tiles = ((channels + tile.channels - 1) / tile.channels) *
                              ((samples + tile.samples - 1) / tile.samples) *
                              ((pixels + tile.pixels - 1) / tile.pixels);
  buffers_.resize(tensors_.size() + 1);
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    if (!usable(i)) {
      buffers_[i].open(c_, std::min(copies_, tiles), bytes);
    }
  }
  if (out && in_place() == tensors_.size()) {
    buffers_.back().open(c_, std::min(copies_, tiles), bytes);
  }
}

ChannelBlock ChannelTiles::fetch(std::size_t i, const ChannelPiece& piece, bool* fresh) {
  const std::uint32_t plane = piece.sample * channels + piece.channel;
  if (usable(i)) {
    return {planes_of(*residents_[i], pixels, plane, 1).address, piece.samples, piece.channels,
            pixels};
  }
  const TileBuffers::Key key{piece.channel, piece.sample, piece.pixel, 0, 0};
  if (const L1Matrix* found = buffers_[i].find(key)) {
    return {found->address, piece.samples, piece.channels, piece.pixels};
  }
  if (fresh != nullptr) {
    *fresh = true;
  }
  TileBuffers::Slot& slot = buffers_[i].next(key);
  slot.matrix.address = slot.address;
  const ChannelBlock block{slot.address, piece.samples, piece.channels, piece.pixels};
  for (std::uint32_t s = 0; s < piece.samples; ++s) {
    c_.tape.load(stored(tensors_[i], piece, s), part(block, s));
  }
  return block;
}

void ChannelTiles::choose(bool out) {
  const Bytes all = c_.l1.available();
  const Bytes half = std::min(all, c_.part_of_l1(0.5));
  const std::uint32_t cores = std::min(channels, c_.step.platform.cluster.cores);
  const std::uint32_t most = c_.step.tiling.double_buffer ? 2 : 1;
  // Whole groups: as many channels as give several tiles of some work.
  ChannelPiece t{0, cores, 0, samples, 0, pixels};
  const auto work = [&] { return t.channels * t.samples * t.pixels; };
  const auto grow = [&](std::uint32_t copies, Bytes budget) {
    if (!fits(t, copies, budget, out)) {
      return false;
    }
    while (t.channels < channels && (work() < kSmallTile || 8 * t.channels < channels)) {
      const std::uint32_t before = t.channels;
      t.channels = std::min(channels, t.channels + cores);
      if (!fits(t, copies, budget, out)) {
        t.channels = before;
        return fits(t, copies, budget, out);
      }
    }
    return true;
  };
  // Sums over pieces differ in their last bits from sums over all. What is decided in an empty L1
  // has to fit beside others, too: half of it must do. A single pass over elements adds nothing up.
  const bool sums = passes_ > 1;
  const std::uint32_t whole = samples * pixels, fixed = sums ? c_.fixed_cut(node_).k : 0;
  const bool may_be_whole = fixed == whole || (fixed == 0 && (!sums || fits(t, 1, half, out)));
  c_.cut_at(node_, {.k = whole});
  if (may_be_whole && (grow(most, half) || grow(most, all) || (sums && grow(1, all)))) {
    return;
  }
  // Pieces of the pixels of one sample.
  const bool may_be_pieces = fixed != whole || samples == 1;
  t = {0, cores, 0, 1, 0, fixed == 0 ? pixels : std::min(fixed, pixels)};
  while (fixed == 0 && t.pixels > 1 && !fits(t, most, sums ? half : all, out)) {
    t.pixels = (t.pixels + 1) / 2;
  }
  while ((fixed == 0 || !c_.residents) && t.channels > 1 && !fits(t, most, all, out)) {
    t.channels = (t.channels + 1) / 2;
  }
  c_.cut_at(node_, {.k = t.pixels});
  if (may_be_pieces && (fits(t, most, all, out) || fits(t, 1, all, out))) {
    return;
  }
  if (c_.residents) {
    throw NoRoom{};
  }
  throw UserError(
      "operator '" + node_.name + "'",
      "its smallest tile needs " + std::to_string(12 * (tensors_.size() + (out ? 1 : 0))) +
          " bytes of L1 beside its vectors, and " + std::to_string(all.raw()) + " are free",
      "give a larger /platform/cluster/tcdm/size or /tiling/l1_budget");
}

}  // namespace etude::compiler
