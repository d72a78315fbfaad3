// SPDX-License-Identifier: Apache-2.0
#include "compiler/emit/families.h"
#include "compiler/emit/image_operators.h"
#include "models/base/error.h"

namespace etude::compiler {

void lower_channel_sum(LoweringContext& c, const Operator& op) {
  const Node& node = c.graph().node(op.node);
  const TensorId input = node.inputs[0];
  const Shape& shape = c.tensor(input).shape;
  const auto samples = static_cast<std::uint32_t>(shape[0]);
  const auto channels = static_cast<std::uint32_t>(shape[1]);
  const auto pixels =
      static_cast<std::uint32_t>(c.tensor(input).elements() / (shape[0] * shape[1]));
  c.layer(op.node);
  const Address sums = c.l1.take(bytes_for(channels));
  auto whole = dense_resident(c, input);
  // Sums over pieces of the pixels differ in their last bits from sums over all.
  const std::uint32_t fixed = c.fixed_cut(node).k;
  if (fixed != 0 && fixed != pixels) {
    whole.reset();
  }
  // Tiles of channels if all their pixels fit, else of pixels of one channel per core.
  const std::uint32_t copies = c.step.tiling.double_buffer ? 2 : 1;
  const std::uint32_t budget = elements_in(std::min(c.l1.available(), c.part_of_l1(0.45))) / copies;
  constexpr std::uint32_t kLeast = 16, kTiles = 4;
  if (!whole && budget < kLeast) {
    throw UserError("operator '" + node.name + "'",
                    "its smallest tile needs " + std::to_string(bytes_for(copies * kLeast).raw()) +
                        " bytes of L1, and only " +
                        std::to_string(bytes_for(copies * budget).raw()) + " are free",
                    "give a larger /platform/cluster/tcdm/size or /tiling/l1_budget");
  }
  const std::uint32_t cores = std::min(channels, c.step.platform.cluster.cores);
  std::uint32_t tile_pixels = whole ? pixels : std::min(pixels, std::max(1u, budget / cores));
  tile_pixels = fixed != 0 ? fixed : tile_pixels;
  c.cut_at(node, {.k = tile_pixels});
  std::uint32_t tile_channels =
      whole ? channels : std::min(channels, std::max(1u, budget / tile_pixels));
  if (!whole && tile_pixels == pixels) {  // several tiles, so that transfers run beside the sums
    const std::uint32_t part = (channels + kTiles - 1) / kTiles;
    tile_channels = std::min(tile_channels, std::max({part, cores, 2048 / pixels}));
    tile_channels = std::min(tile_channels, channels);
  }
  TileBuffers buffers;
  if (!whole) {
    buffers.open(c, copies, bytes_for(tile_channels * tile_pixels));
  }
  for (std::uint32_t sample = 0; sample < samples; ++sample) {
    for (std::uint32_t channel = 0; channel < channels; channel += tile_channels) {
      const std::uint32_t rows = std::min(tile_channels, channels - channel);
      const std::uint32_t plane = sample * channels + channel;
      for (std::uint32_t pixel = 0; pixel < pixels; pixel += tile_pixels) {
        const std::uint32_t cols = std::min(tile_pixels, pixels - pixel);
        L1Matrix tile;
        if (whole) {
          tile = planes_of(*whole, pixels, plane, rows);
        } else {
          tile = {buffers.next({}).address, rows, cols, cols};
          c.tape.load(stored_part(c, input, plane * pixels + pixel, pixels), tile);
        }
        c.tape.row_sum(tile, sums + bytes_for(channel), sample > 0 || pixel > 0);
      }
    }
  }
  const L1Matrix gradient{sums, 1, channels, channels};
  if (!op.sgd) {
    c.tape.store(gradient, c.stored(node.outputs[0]));
    return;
  }
  const Node& sgd = c.graph().node(*op.sgd);
  c.layer(*op.sgd);
  const L1Matrix bias{c.l1.take(bytes_for(channels)), 1, channels, channels};
  c.tape.load(c.stored(sgd.inputs[0]), bias);
  c.tape.sgd(bias, gradient, static_cast<float>(sgd.real("lr")));
  c.tape.probe({sgd.inputs[1], gradient, {}, bytes_for(channels)});
  c.tape.store(bias, c.stored(sgd.inputs[0]));
  c.l1.drop(sgd.inputs[0]);
}

}  // namespace etude::compiler
