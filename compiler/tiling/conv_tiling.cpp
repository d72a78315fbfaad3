// SPDX-License-Identifier: Apache-2.0
#include "compiler/tiling/conv_tiling.h"

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "compiler/tiling/conv_cycles.h"
#include "compiler/tiling/pieces.h"
#include "models/base/error.h"

namespace etude::compiler {

namespace {

using Unit = GemmProblem::Unit;
using Product = ConvProblem::Product;

/// Bytes of a piece of a parameter that is updated: small, so that several take turns.
constexpr Bytes kUpdateBytes{8192};

Bytes buffer(std::uint32_t copies, Bytes bytes) { return copies * ((bytes + Bytes{7}) / 8 * 8); }

/// Numbers of parts that are tried grow by about one in so many.
constexpr std::uint32_t kGrowth = 4;

std::set<std::uint32_t> parts_of(std::uint32_t whole, std::uint32_t step) {
  std::set<std::uint32_t> found{whole, std::min(step, whole), 1u};
  for (std::uint32_t parts = 2; parts <= 64; parts += 1 + parts / kGrowth) {
    const std::uint32_t size = ceil_div(ceil_div(whole, parts), step) * step;
    found.insert(std::min(size, whole));
  }
  return found;
}

}  // namespace

ConvCounts::ConvCounts(const ConvProblem& p, const ConvTiling& t)
    : outputs(ceil_div(p.outputs, t.outputs)),
      channels(ceil_div(p.image.channels, t.channels)),
      rows(ceil_div(p.image.out_height, t.rows)),
      samples(ceil_div(p.image.samples, t.samples)) {}

bool writes_in_place(const ConvProblem& p, const ConvTiling& t, const RedmuleConfig& redmule) {
  if (p.product == Product::kForward ? p.epilogue : !p.image.pointwise()) {
    return true;  // another kernel writes it
  }
  if (t.rows != p.image.out_height || t.samples != 1) {
    return false;
  }
  if (p.unit == Unit::kCores) {
    return true;
  }
  // The array writes whole groups of its width in rows: what it writes too much has to be the next
  // tile's, which comes later.
  const std::uint32_t tile = p.product == Product::kForward ? t.outputs : t.channels;
  const std::uint32_t whole = p.product == Product::kForward ? p.outputs : p.image.channels;
  const bool full_tiles = tile % redmule.width == 0;
  return (full_tiles && whole % redmule.width == 0) ||
         (p.groups == 1 && (tile == whole || (full_tiles && p.image.samples == 1)));
}

Bytes l1_bytes(const ConvProblem& p, const ConvTiling& t, const RedmuleConfig& redmule) {
  const ConvCounts n(p, t);
  const bool array = p.unit == Unit::kRedmule;
  const ImageGeometry& g = p.image;
  const std::uint32_t pixels = t.pixels(p), inner = t.channels * g.taps();
  const std::uint32_t odd = array ? 0 : 1;  // the cores like odd pitches
  const auto ahead = [&](std::uint32_t rows, std::uint32_t cols) {
    return array ? read_ahead(rows, cols, redmule) : Bytes{};
  };
  const auto tile = [&](std::uint32_t copies, std::uint32_t rows, std::uint32_t cols) {
    return buffer(copies, bytes_for(rows * (cols + odd)) + ahead(rows, cols));
  };
  const std::uint32_t all = p.groups * n.strips();
  const Bytes image_bytes =
      bytes_for(t.samples * t.channels * most_rows_under(g, t.rows) * g.width);
  const std::uint32_t pieces = t.copies(all * n.channels);
  const bool direct = g.pointwise();
  const bool in_place = t.rows == g.out_height && t.samples == 1;
  Bytes bytes;
  const std::uint32_t weights = t.copies(p.groups * n.outputs * n.channels);
  if (p.packed) {
    bytes += buffer(weights, p.packed->bytes(t.outputs, inner)) +
             buffer(1, p.packed->scale_bytes(p.outputs * p.groups, p.inner()));
  }
  switch (p.product) {
    case Product::kForward: {
      bytes += tile(weights, t.outputs, inner);
      bytes += direct && p.x_resident && in_place ? Bytes{} : tile(pieces, inner, pixels);
      bytes += direct || p.x_resident ? Bytes{} : buffer(pieces, image_bytes);
      const bool whole = t.keep && !p.epilogue;
      if (!whole) {
        bytes += buffer(t.copies(all * n.outputs),
                        bytes_for(stored_rows(p.unit, t.outputs, redmule) * (pixels + odd)));
      }
      bytes += p.epilogue ? buffer(1, bytes_for(p.outputs * p.groups)) : Bytes{};
      if (p.half) {
        const std::uint32_t padded = padded_reduction(inner);
        bytes += buffer(weights, half_bytes(t.outputs, padded, redmule));
        bytes += buffer(pieces, half_bytes(padded, pixels, redmule));
        bytes += buffer(t.copies(all * n.outputs),
                        half_bytes(stored_rows(p.unit, t.outputs, redmule), pixels, redmule));
      }
      if (t.keep) {
        const std::uint32_t rows = g.samples * p.groups * p.outputs;
        bytes +=
            bytes_for((rows + redmule.width) * g.pixels()) + read_ahead(rows, g.pixels(), redmule);
      }
      break;
    }
    case Product::kGradWeight: {
      bytes +=
          p.dy_resident && in_place ? Bytes{} : tile(t.copies(all * n.outputs), t.outputs, pixels);
      const bool as_stored = direct && !array;
      if (!(as_stored && p.x_resident && in_place)) {
        bytes += array ? tile(pieces, pixels, inner) : tile(pieces, inner, pixels);
      }
      bytes += p.x_resident || as_stored ? Bytes{} : buffer(pieces, image_bytes);
      bytes += buffer(weights, bytes_for(stored_rows(p.unit, t.outputs, redmule) * (inner + odd)));
      if (p.sgd && !p.w_resident) {
        const std::uint32_t updates = ceil_div(t.outputs, t.update_rows) * weights;
        bytes +=
            buffer(std::min(updates, t.double_buffer ? 4u : 1u), bytes_for(t.update_rows * inner));
      }
      break;
    }
    case Product::kGradInput: {
      bytes += tile(weights, inner, t.outputs);
      bytes += array ? buffer(weights, bytes_for(t.outputs * inner)) : Bytes{};
      bytes +=
          p.dy_resident && in_place ? Bytes{} : tile(t.copies(all * n.outputs), t.outputs, pixels);
      const std::uint32_t tiles = all * n.channels;
      if (!(t.keep && direct)) {
        bytes += buffer(t.copies(tiles),
                        bytes_for(stored_rows(p.unit, inner, redmule) * (pixels + odd)));
      }
      if (!direct && !t.keep) {
        bytes += buffer(t.copies(p.groups * n.samples * n.channels),
                        bytes_for(t.samples * t.channels * g.image()));
      }
      bytes += p.epilogue ? buffer(1, bytes_for(g.channels * p.groups)) : Bytes{};
      if (t.keep) {
        const std::uint32_t rows = g.samples * p.groups * g.channels;
        bytes +=
            bytes_for((rows + redmule.width) * g.image()) + read_ahead(rows, g.image(), redmule);
      }
      break;
    }
  }
  return bytes + 12 * Bytes{8};  // alignment
}

namespace {

/// Whether the array's control works with every reduction (docs/models/redmule.md).
bool reductions_long_enough(const ConvProblem& p, const ConvTiling& t) {
  const ImageGeometry& g = p.image;
  if (p.half) {
    return true;  // padded
  }
  switch (p.product) {
    case Product::kForward:
      return long_enough(g.channels * g.taps(), t.channels * g.taps());
    case Product::kGradInput:
      return long_enough(p.outputs, t.outputs);
    case Product::kGradWeight:
      break;
  }
  return t.rows < g.out_height ? long_enough(g.pixels(), t.rows * g.out_width)
                               : long_enough(g.samples * g.pixels(), t.samples * g.pixels());
}

/// Candidates for each extent of a tile.
struct Candidates {
  std::vector<std::uint32_t> outputs, channels;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> strips;  ///< rows, samples

  Candidates(const ConvProblem& p, const TilingLimits& limits, const RedmuleConfig& redmule) {
    const ImageGeometry& g = p.image;
    const bool array = p.unit == Unit::kRedmule;
    const std::uint32_t taps = g.taps();
    std::uint32_t fixed_outputs = limits.fixed.m, fixed_inner = limits.fixed.n;
    std::uint32_t fixed_pixels = limits.fixed.k;
    if (p.product == Product::kGradWeight) {
      std::swap(fixed_inner, fixed_pixels);
    } else if (p.product == Product::kGradInput) {
      std::swap(fixed_outputs, fixed_inner);
    }
    const std::uint32_t step = !array                             ? 8
                               : p.product == Product::kGradInput ? redmule.height
                                                                  : redmule.width;
    const auto all = parts_of(p.outputs, step);
    outputs.assign(all.begin(), all.end());
    if (fixed_outputs != 0) {
      outputs = {std::min(fixed_outputs, p.outputs)};
    }
    const auto some = parts_of(g.channels, 1);
    channels.assign(some.begin(), some.end());
    if (fixed_inner != 0) {
      channels = {std::clamp(fixed_inner / taps, 1u, g.channels)};
    }
    if (fixed_pixels != 0) {
      const std::uint32_t rows = std::clamp(fixed_pixels / g.out_width, 1u, g.out_height);
      // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): the shape rule gives every image a pixel
      const std::uint32_t whole = fixed_pixels / g.pixels();
      const std::uint32_t samples = rows < g.out_height ? 1 : std::clamp(whole, 1u, g.samples);
      strips = {{rows, samples}};
      return;
    }
    for (const std::uint32_t rows : parts_of(g.out_height, 1)) {
      strips.emplace_back(rows, 1);
    }
    for (const std::uint32_t samples : parts_of(g.samples, 1)) {
      if (samples > 1) {
        strips.emplace_back(g.out_height, samples);
      }
    }
  }
};

}  // namespace

ConvTiling choose_conv_tiling(const std::string& name, const ConvProblem& p,
                              const TilingLimits& limits, const TimingSource& timing,
                              const RedmuleConfig& redmule) {
  const Candidates candidates(p, limits, redmule);
  std::optional<ConvTiling> best;
  ConvTiling smallest;
  constexpr Bytes kNone{~std::uint64_t{0}};
  smallest.l1_bytes = kNone;
  const bool user_n = limits.fixed.n != 0;
  const auto try_one = [&](ConvTiling t) {
    if (p.unit == Unit::kRedmule && !user_n && !reductions_long_enough(p, t)) {
      return;
    }
    if (p.outputs_first && !t.outputs_outer) {
      return;
    }
    if (p.packed && !p.packed->allows(t.channels * p.image.taps(), p.inner())) {
      return;
    }
    if (t.keep && !writes_in_place(p, t, redmule)) {
      return;
    }
    t.l1_bytes = l1_bytes(p, t, redmule);
    if (t.l1_bytes < smallest.l1_bytes) {
      smallest = t;
    }
    if (t.l1_bytes > limits.l1_bytes) {
      return;
    }
    t.cycles = modelled_cycles(p, t, timing);
    t.cycles += crowding(t.cycles, t.l1_bytes, limits.preferred);
    if (t.keep) {
      const ImageGeometry& g = p.image;
      const Bytes bytes = bytes_for(
          std::uint64_t{g.samples} * p.groups *
          (p.product == Product::kForward ? p.outputs * g.pixels() : g.channels * g.image()));
      t.cycles -= std::min(t.cycles, timing.dma(1, bytes, true) + timing.dma(1, bytes, false));
    }
    if (!best || t.cycles < best->cycles ||
        (t.cycles == best->cycles && t.l1_bytes < best->l1_bytes)) {
      best = t;
    }
  };
  for (const std::uint32_t outputs : candidates.outputs) {
    for (const std::uint32_t channels : candidates.channels) {
      for (const auto& [rows, samples] : candidates.strips) {
        ConvTiling t;
        t.outputs = outputs;
        t.channels = channels;
        t.rows = rows;
        t.samples = samples;
        t.update_rows =
            std::clamp(elements_in(kUpdateBytes) / (channels * p.image.taps()), 1u, outputs);
        for (const bool outer : {false, true}) {
          if (outer && (p.product != Product::kForward || outputs == p.outputs)) {
            continue;
          }
          t.outputs_outer = outer;
          for (const bool keep : {true, false}) {
            if (keep && limits.keep_bytes == Bytes{}) {
              continue;
            }
            t.keep = keep;
            t.double_buffer = limits.double_buffer;
            try_one(t);
            if (limits.double_buffer && !best) {
              t.double_buffer = false;
              try_one(t);
            }
          }
        }
      }
    }
  }
  if (!best) {
    const std::uint32_t inner = smallest.channels * p.image.taps(), pixels = smallest.pixels(p);
    const std::uint32_t m = p.product == Product::kGradInput ? inner : smallest.outputs;
    const std::uint32_t r = p.product == Product::kForward      ? inner
                            : p.product == Product::kGradWeight ? pixels
                                                                : smallest.outputs;
    const std::uint32_t k = p.product == Product::kGradWeight ? inner : pixels;
    if (smallest.l1_bytes == kNone) {
      throw UserError("operator '" + name + "'",
                      p.packed ? "no tile of its packed weight begins with words, or its reduction "
                                 "is too short for RedMulE"
                               : "its reduction is too short for RedMulE",
                      "let the cores run it");
    }
    throw UserError(
        "operator '" + name + "'",
        "its tile " + std::to_string(m) + "x" + std::to_string(r) + "x" + std::to_string(k) +
            " needs " + std::to_string(smallest.l1_bytes.raw()) + " bytes of L1, " +
            std::to_string((smallest.l1_bytes - limits.l1_bytes).raw()) + " more than the " +
            std::to_string(limits.l1_bytes.raw()) + " that are free",
        "give a larger /platform/cluster/tcdm/size, a larger /tiling/l1_budget or "
        "smaller tiles in /tiling/operators");
  }
  return *best;
}

}  // namespace etude::compiler
