// SPDX-License-Identifier: Apache-2.0
#include "compiler/feeds/conv_feeds.h"

namespace etude::compiler {

using Unit = GemmProblem::Unit;

std::optional<L1Matrix> dense_resident(LoweringContext& context, TensorId tensor) {
  const auto found = context.l1.resident(tensor, false);
  return found && found->pitch == found->cols ? found : std::nullopt;
}

StoredMatrix stored_part(const LoweringContext& context, TensorId tensor, std::uint32_t offset,
                         std::uint32_t pitch) {
  StoredMatrix part = context.stored(tensor).behind(offset);
  part.pitch = pitch;
  return part;
}

L1Matrix planes_of(const L1Matrix& whole, std::uint32_t size, std::uint32_t first,
                   std::uint32_t count) {
  return {whole.address + bytes_for(first * size, whole.type), count, size, size, whole.type};
}

void TileBuffers::open(LoweringContext& context, std::uint32_t copies, Bytes bytes,
                       Bytes staged_bytes) {
  slots_.resize(copies);
  for (Slot& slot : slots_) {
    slot.address = bytes != Bytes{} ? context.l1.take(bytes) : Address{};
    slot.staged = staged_bytes != Bytes{} ? context.l1.take(staged_bytes) : Address{};
  }
}

void TileBuffers::add_packed(PackedFeed& feed, std::uint32_t rows, std::uint32_t cols) {
  for (Slot& slot : slots_) {
    slot.packed = feed.take(rows, cols);
  }
}

const L1Matrix* TileBuffers::find(const Key& key) const {
  for (const Slot& slot : slots_) {
    if (slot.key == key) {
      return &slot.matrix;
    }
  }
  return nullptr;
}

TileBuffers::Slot& TileBuffers::next(const Key& key) {
  Slot& slot = slots_[turn_];
  turn_ = (turn_ + 1) % slots_.size();
  slot.key = key;
  return slot;
}

WeightFeed::WeightFeed(LoweringContext& context, const ConvTensors& conv, bool transposed)
    : c_(context), conv_(conv), transposed_(transposed) {
  const ConvProblem& p = conv.problem;
  const ConvTiling& t = conv.tiling;
  const ConvCounts n(p, t);
  const bool array = p.unit == Unit::kRedmule;
  const std::uint32_t inner = t.channels * p.image.taps();
  const std::uint32_t copies = t.copies(p.groups * n.outputs * n.channels);
  if (array) {
    const RedmuleConfig& redmule = context.step.platform.cluster.redmule;
    const Bytes ahead =
        transposed ? read_ahead(inner, t.outputs, redmule) : read_ahead(t.outputs, inner, redmule);
    buffers_.open(context, copies, bytes_for(t.outputs * inner) + ahead,
                  transposed ? bytes_for(t.outputs * inner) : Bytes{});
  } else {
    buffers_.open(context, copies, bytes_for(t.outputs * (inner + 1)));
  }
  if (const PackedObjects* stored = context.packed(conv.w)) {
    packed_.emplace(context, *stored);
    buffers_.add_packed(*packed_, t.outputs, inner);
  }
}

L1Matrix WeightFeed::fetch(std::uint32_t output0, std::uint32_t outputs, std::uint32_t channel0,
                           std::uint32_t channels) {
  const TileBuffers::Key key{output0, outputs, channel0, channels, 0};
  if (const L1Matrix* found = buffers_.find(key)) {
    return *found;
  }
  const ConvProblem& p = conv_.problem;
  const std::uint32_t taps = p.image.taps(), inner = channels * taps;
  TileBuffers::Slot& slot = buffers_.next(key);
  const auto bring = [&](const L1Matrix& to) {
    if (packed_) {
      packed_->fetch(output0, channel0 * taps, slot.packed, to);
    } else {
      c_.tape.load(stored_part(c_, conv_.w, output0 * p.inner() + channel0 * taps, p.inner()), to);
    }
  };
  if (transposed_ && p.unit == Unit::kRedmule) {
    const L1Matrix staged{slot.staged, outputs, inner, inner};
    bring(staged);
    slot.matrix = {slot.address, inner, outputs, outputs};
    c_.tape.transpose(staged, slot.matrix, nullptr);
  } else {
    slot.matrix = {slot.address, outputs, inner, tile_pitch(p.unit, inner, inner == p.inner())};
    bring(slot.matrix);
  }
  return slot.matrix;
}

GradientFeed::GradientFeed(LoweringContext& context, const ConvTensors& conv)
    : c_(context), conv_(conv) {
  const ConvProblem& p = conv.problem;
  const ConvTiling& t = conv.tiling;
  if (p.dy_resident && t.rows == p.image.out_height && t.samples == 1) {
    whole_ = dense_resident(context, conv.dy);
    if (!whole_) {
      throw NoRoom{};  // it gave way since it was planned with
    }
    return;
  }
  const ConvCounts n(p, t);
  const std::uint32_t pixels = t.pixels(p);
  const bool array = p.unit == Unit::kRedmule;
  buffers_.open(
      context, t.copies(p.groups * n.strips() * n.outputs),
      bytes_for(t.outputs * (array ? pixels : pixels + 1)) +
          (array ? read_ahead(t.outputs, pixels, context.step.platform.cluster.redmule) : Bytes{}));
}

L1Matrix GradientFeed::fetch(std::uint32_t output0, std::uint32_t outputs, const Strip& strip) {
  const ConvProblem& p = conv_.problem;
  const ImageGeometry& g = p.image;
  const std::uint32_t all = p.groups * p.outputs;
  if (whole_) {
    return planes_of(*whole_, g.pixels(), strip.sample * all + output0, outputs);
  }
  const TileBuffers::Key key{output0, outputs, strip.sample, strip.row, strip.rows};
  if (const L1Matrix* found = buffers_.find(key)) {
    return *found;
  }
  TileBuffers::Slot& slot = buffers_.next(key);
  const std::uint32_t pixels = strip.pixels(g), each = strip.rows * g.out_width;
  slot.matrix = {slot.address, outputs, pixels, tile_pitch(p.unit, pixels, each == g.pixels())};
  for (std::uint32_t s = 0; s < strip.samples; ++s) {
    c_.tape.load(
        stored_part(c_, conv_.dy,
                    ((strip.sample + s) * all + output0) * g.pixels() + strip.row * g.out_width,
                    g.pixels()),
        slot.matrix.slice(0, s * each, outputs, each));
  }
  return slot.matrix;
}

ColumnFeed::ColumnFeed(LoweringContext& context, const ConvTensors& conv, bool rows)
    : c_(context), conv_(conv), rows_(rows) {
  const ConvProblem& p = conv.problem;
  const ConvTiling& t = conv.tiling;
  const ImageGeometry& g = p.image;
  const bool direct = g.pointwise();
  if (p.x_resident) {
    whole_ = dense_resident(context, conv.x);
    if (!whole_) {
      throw NoRoom{};
    }
  }
  in_place_ = direct && !rows && whole_ && t.rows == g.out_height && t.samples == 1;
  if (in_place_) {
    return;
  }
  const ConvCounts n(p, t);
  const std::uint32_t inner = t.channels * g.taps(), pixels = t.pixels(p);
  const bool array = p.unit == Unit::kRedmule;
  const RedmuleConfig& redmule = context.step.platform.cluster.redmule;
  Bytes bytes =
      bytes_for(rows ? pixels * (inner + (array ? 0 : 1)) : inner * (pixels + (array ? 0 : 1)));
  if (array) {
    bytes += rows ? read_ahead(pixels, inner, redmule) : read_ahead(inner, pixels, redmule);
  }
  const bool staged = direct ? rows && !whole_ : !whole_;
  buffers_.open(
      context, t.copies(p.groups * n.strips() * n.channels), bytes,
      staged ? bytes_for(t.samples * t.channels * most_rows_under(g, t.rows) * g.width) : Bytes{});
}

void ColumnFeed::load_image(std::uint32_t channel0, std::uint32_t channels, std::uint32_t sample,
                            const ImageRows& rows, const L1Matrix& to) {
  const ConvProblem& p = conv_.problem;
  const ImageGeometry& g = p.image;
  const std::uint32_t plane = sample * p.groups * g.channels + channel0;
  c_.tape.load(stored_part(c_, conv_.x, plane * g.image() + rows.first * g.width, g.image()),
               {to.address, channels, rows.count * g.width, to.pitch});
}

L1Matrix ColumnFeed::pointwise(std::uint32_t channel0, std::uint32_t channels, const Strip& strip,
                               TileBuffers::Slot& slot) {
  const ConvProblem& p = conv_.problem;
  const ImageGeometry& g = p.image;
  const std::uint32_t pixels = strip.pixels(g), each = strip.rows * g.width;
  const ImageRows rows{strip.row, strip.rows};
  if (!rows_) {
    const L1Matrix made{slot.address, channels, pixels,
                        tile_pitch(p.unit, pixels, each == g.image())};
    for (std::uint32_t s = 0; s < strip.samples; ++s) {
      load_image(channel0, channels, strip.sample + s, rows,
                 made.slice(0, s * each, channels, each));
    }
    return made;
  }
  const L1Matrix made{slot.address, pixels, channels, channels};
  for (std::uint32_t s = 0; s < strip.samples; ++s) {
    const std::uint32_t plane = (strip.sample + s) * p.groups * g.channels + channel0;
    L1Matrix from;
    if (whole_) {
      from = planes_of(*whole_, g.image(), plane, channels)
                 .slice(0, strip.row * g.width, channels, each);
    } else {
      from = {slot.staged + bytes_for(s * channels * each), channels, each, each};
      load_image(channel0, channels, strip.sample + s, rows, from);
    }
    c_.tape.transpose(from, made.slice(s * each, 0, each, channels), nullptr);
  }
  return made;
}

L1Matrix ColumnFeed::fetch(std::uint32_t channel0, std::uint32_t channels, const Strip& strip) {
  const ConvProblem& p = conv_.problem;
  const ImageGeometry& g = p.image;
  if (in_place_) {
    const std::uint32_t plane = strip.sample * p.groups * g.channels + channel0;
    return planes_of(*whole_, g.image(), plane, channels);
  }
  const TileBuffers::Key key{channel0, channels, strip.sample, strip.row, strip.rows};
  if (const L1Matrix* found = buffers_.find(key)) {
    return *found;
  }
  TileBuffers::Slot& slot = buffers_.next(key);
  if (g.pointwise()) {
    slot.matrix = pointwise(channel0, channels, strip, slot);
    return slot.matrix;
  }
  const std::uint32_t pixels = strip.pixels(g), inner = channels * g.taps();
  const std::uint32_t each = strip.rows * g.out_width;
  const bool odd = p.unit == Unit::kCores;
  slot.matrix = rows_ ? L1Matrix{slot.address, pixels, inner, odd ? inner | 1u : inner}
                      : L1Matrix{slot.address, inner, pixels, odd ? pixels | 1u : pixels};
  const ImageRows under = rows_under(g, strip);
  for (std::uint32_t s = 0; s < strip.samples; ++s) {
    Address image;
    WindowView view;
    if (whole_) {
      const std::uint32_t plane = (strip.sample + s) * p.groups * g.channels + channel0;
      image = planes_of(*whole_, g.image(), plane, channels).at(0, under.first * g.width);
      view = view_of(g, channels, strip, under, g.image());
    } else {
      const std::uint32_t size = under.count * g.width;
      image = slot.staged + bytes_for(s * channels * size);
      load_image(channel0, channels, strip.sample + s, under, {image, channels, size, size});
      view = view_of(g, channels, strip, under, size);
    }
    if (rows_) {
      c_.tape.im2row(view, image, slot.matrix.slice(s * each, 0, each, inner));
    } else {
      c_.tape.im2col(view, image, slot.matrix.slice(0, s * each, inner, each));
    }
  }
  return slot.matrix;
}

}  // namespace etude::compiler
