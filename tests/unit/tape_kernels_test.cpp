// SPDX-License-Identifier: Apache-2.0
// What an operation of the tape declares is what its kernel touches: the kernels run on this
// machine in memory where everything that is not declared is poisoned.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "compiler/tape/tape.h"
#include "tests/support/kernel_accesses.h"

namespace etude {
namespace {

using test::Arena;
using test::Numbers;

constexpr std::uint32_t kWords = 1u << 13;
constexpr unsigned kTrials = 16;

/// Matrices at random places of L1, and labels among them.
class Scene {
 public:
  explicit Scene(std::uint32_t seed)
      : numbers(seed), arena_(kWords), begin_(arena_.matrix(0, 0) - 7 * sizeof(std::uint32_t)) {}

  std::uint32_t extent(std::uint32_t most) { return 1 + numbers.below(most); }
  L1Matrix matrix(std::uint32_t rows, std::uint32_t cols, DType type = DType::kFloat32) {
    return place(rows, cols, cols + numbers.below(4), type);
  }
  L1Matrix dense(std::uint32_t rows, std::uint32_t cols, DType type = DType::kFloat32) {
    return place(rows, cols, cols, type);
  }
  std::uint32_t vector(std::uint32_t elements) { return dense(1, elements).address; }
  ChannelBlock block(std::uint32_t samples, std::uint32_t channels, std::uint32_t cols) {
    return {dense(samples * channels, cols).address, samples, channels, cols};
  }
  L1Matrix labels(std::uint32_t rows, std::uint32_t classes) {
    labels_ = dense(rows, 1, DType::kInt32);
    classes_ = classes;
    return labels_;
  }

  std::uint8_t* byte(std::uint32_t address) const {
    return reinterpret_cast<std::uint8_t*>(static_cast<std::uintptr_t>(address));
  }
  std::uint32_t begin() const { return begin_; }
  std::uint32_t bytes() const { return bytes_for(kWords); }

  /// Everything poisoned but what is declared, which gets numbers (the same for the same seed).
  void fill(const PlanOp& op, std::uint32_t poison, std::uint32_t seed) {
    for (std::uint32_t w = 0; w < kWords; ++w) {
      std::memcpy(byte(begin_ + bytes_for(w)), &poison, sizeof poison);
    }
    Numbers drawn(seed);
    for (const Access& access : op.accesses) {
      for (std::uint32_t r = 0; r < access.rows; ++r) {
        for (std::uint32_t b = 0; b < access.row_bytes; b += 4) {
          const float value = drawn.next();
          const std::uint32_t more = std::min(4u, access.row_bytes - b);  // FP16: two by two
          std::memcpy(byte(access.address + r * access.pitch + b), &value, more);
        }
      }
    }
    for (std::uint32_t r = 0; r < labels_.rows; ++r) {
      const std::uint32_t label = drawn.below(classes_);
      std::memcpy(byte(labels_.at(r, 0)), &label, sizeof label);
    }
  }
  /// Another value for one element.
  void disturb(const Access& access, std::uint32_t row, bool last, std::uint32_t size) {
    std::uint8_t* at =
        byte(access.address + row * access.pitch + (last ? access.row_bytes - size : 0));
    if (access.address == labels_.address) {
      std::uint32_t label = 0;
      std::memcpy(&label, at, sizeof label);
      label = (label + 1) % classes_;
      std::memcpy(at, &label, sizeof label);
      return;
    }
    const float value = 7.5f;
    const std::uint16_t half = 0x4780;  // 7.5
    size == 4 ? std::memcpy(at, &value, 4) : std::memcpy(at, &half, 2);
  }
  std::vector<std::uint8_t> snapshot() const { return {byte(begin_), byte(begin_) + bytes()}; }

  Numbers numbers;

 private:
  L1Matrix place(std::uint32_t rows, std::uint32_t cols, std::uint32_t pitch, DType type) {
    const std::uint32_t words = (bytes_for(pitch, type) + 3) / 4;
    return {arena_.matrix(rows, words), rows, cols, pitch, type};
  }
  Arena arena_;
  std::uint32_t begin_;
  L1Matrix labels_;
  std::uint32_t classes_ = 1;
};

/// One way to write a kernel: with random extents.
struct Case {
  etude_kernel kernel;
  const char* name;
  std::function<void(Scene&, Tape&)> write;
  std::uint32_t element = 4;  ///< bytes of the smallest element
};

WindowView window(Scene& s, std::uint32_t channels, bool pooling) {
  ImageGeometry g;
  g.channels = channels;
  g.height = 2 + s.numbers.below(6);
  g.width = 2 + s.numbers.below(6);
  g.kernel_h = 1 + s.numbers.below(std::min(3u, g.height));
  g.kernel_w = 1 + s.numbers.below(std::min(3u, g.width));
  g.stride_h = 1 + s.numbers.below(2);
  g.stride_w = 1 + s.numbers.below(2);
  g.top = static_cast<std::int32_t>(s.numbers.below(pooling ? (g.kernel_h + 1) / 2 : g.kernel_h));
  g.left = static_cast<std::int32_t>(s.numbers.below(pooling ? (g.kernel_w + 1) / 2 : g.kernel_w));
  g.out_height = (g.height + static_cast<std::uint32_t>(g.top) - g.kernel_h) / g.stride_h + 1;
  g.out_width = (g.width + static_cast<std::uint32_t>(g.left) - g.kernel_w) / g.stride_w + 1;
  return view_of(g, channels, {0, 1, 0, g.out_height}, {0, g.height},
                 g.height * g.width + s.numbers.below(4));
}
std::uint32_t taps(const WindowView& v) { return (v.kernel >> 16) * (v.kernel & 0xFFFFu); }
std::uint32_t pixels(const WindowView& v) { return v.out_height * v.out_width; }
std::uint32_t image(Scene& s, const WindowView& v) {
  return s.dense(v.channels, v.channel_pitch).address;
}

void unary(Scene& s, Tape& t, etude_kernel kernel) {
  const std::uint32_t r = s.extent(9), c = s.extent(9);
  t.unary(kernel, s.matrix(r, c), s.matrix(r, c), 1, 2.0f);
}
void binary(Scene& s, Tape& t, etude_kernel kernel) {
  const std::uint32_t r = s.extent(9), c = s.extent(9);
  t.binary(kernel, s.matrix(r, c), s.matrix(r, c), s.matrix(r, c), 1);
}
void result_grad(Scene& s, Tape& t, etude_kernel kernel) {
  const std::uint32_t r = s.extent(9), c = s.extent(9);
  t.result_grad(kernel, s.matrix(r, c), s.matrix(r, c), s.matrix(r, c), 1);
}
void gemm(Scene& s, Tape& t) {
  const std::uint32_t m = s.extent(9), n = s.extent(9), k = s.extent(9);
  const std::uint32_t flags = s.numbers.below(32);
  const L1Matrix a = (flags & ETUDE_GEMM_TRANS_A) != 0 ? s.matrix(n, m) : s.matrix(m, n);
  const L1Matrix b = (flags & ETUDE_GEMM_TRANS_B) != 0 ? s.matrix(k, n) : s.matrix(n, k);
  const std::uint32_t bias = (flags & ETUDE_GEMM_BIAS) != 0 ? s.vector(k) : 0;
  t.gemm(a, b, s.matrix(m, k), n, bias, flags);
}
void norm_scales(Scene& s, Tape& t) {
  const std::uint32_t channels = s.extent(9);
  NormVectors v;
  v.gamma = s.vector(channels);
  v.beta = s.vector(channels);
  v.mean = s.vector(channels);
  v.variance = s.vector(channels);
  v.scale = s.vector(channels);
  v.shift = s.vector(channels);
  v.rstd = s.numbers.below(2) == 0 ? s.vector(channels) : 0;
  t.batchnorm_scales(v, channels, 0.5f, 1e-3f);
}
void norm_slopes(Scene& s, Tape& t) {
  const std::uint32_t channels = s.extent(9);
  NormVectors v;
  v.gamma = s.vector(channels);
  v.mean = s.vector(channels);
  v.rstd = s.vector(channels);
  v.scale = s.vector(channels);
  v.shift = s.vector(channels);
  const std::uint32_t dbeta = s.vector(channels), dgamma = s.vector(channels);
  t.batchnorm_slopes(v, dbeta, dgamma, s.vector(channels), channels, 0.25f);
}

std::vector<Case> row_cases() {
  return {
      {ETUDE_KERNEL_LAYERNORM, "layernorm",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = 1 + s.extent(9);
         const L1Matrix x = s.matrix(r, c), gamma = s.dense(1, c), beta = s.dense(1, c);
         t.layernorm(x, gamma, beta, s.matrix(r, c), 1e-3f);
       }},
      {ETUDE_KERNEL_LAYERNORM_STATS, "layernorm_stats",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = 1 + s.extent(9);
         t.layernorm_stats(s.matrix(r, c), s.dense(r, 2), 1e-3f);
       }},
      {ETUDE_KERNEL_LAYERNORM_GRAD, "layernorm_grad",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = 2 + s.extent(9);
         const L1Matrix stats = s.dense(r, 2);
         const bool known = s.numbers.below(2) == 0;
         const L1Matrix dy = s.matrix(r, c), x = s.matrix(r, c), gamma = s.dense(1, c);
         t.layernorm_grad(dy, x, gamma, known ? &stats : nullptr, s.matrix(r, c), 1e-3f);
       }},
      {ETUDE_KERNEL_LAYERNORM_AFFINE_GRAD, "layernorm_affine_grad",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         const L1Matrix dy = s.matrix(r, c), x = s.matrix(r, c), stats = s.dense(r, 2);
         const L1Matrix dgamma = s.dense(1, c), dbeta = s.dense(1, c);
         t.layernorm_affine_grad(dy, x, stats, dgamma, dbeta, s.numbers.below(2) == 0);
       }},
      {ETUDE_KERNEL_SOFTMAX, "softmax",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = 1 + s.extent(9);
         t.softmax(s.matrix(r, c), s.matrix(r, c), 0.5f);
       }},
      {ETUDE_KERNEL_SOFTMAX_GRAD, "softmax_grad",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = 1 + s.extent(9);
         t.softmax_grad(s.matrix(r, c), s.matrix(r, c), s.matrix(r, c), 0.5f);
       }},
      {ETUDE_KERNEL_CROSS_ENTROPY, "cross_entropy",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = 1 + s.extent(9);
         const L1Matrix x = s.matrix(r, c), labels = s.labels(r, c);
         t.cross_entropy(x, labels, s.matrix(r, c), s.vector(1), 0.5f);
       }},
      {ETUDE_KERNEL_CROSS_ENTROPY_GRAD, "cross_entropy_grad",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = 1 + s.extent(9);
         const L1Matrix log_p = s.matrix(r, c), labels = s.labels(r, c);
         t.cross_entropy_grad(log_p, labels, s.matrix(r, c), 0.5f);
       }},
      {ETUDE_KERNEL_GELU, "gelu",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         t.gelu(s.matrix(r, c), s.matrix(r, c), s.numbers.below(3));
       }},
      {ETUDE_KERNEL_GELU_GRAD, "gelu_grad",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         t.gelu_grad(s.matrix(r, c), s.matrix(r, c), s.matrix(r, c), s.numbers.below(3));
       }},
      {ETUDE_KERNEL_MOMENTUM, "momentum",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         t.momentum(s.dense(r, c), s.dense(r, c), s.dense(r, c), 0.1f, 0.9f);
       }},
      {ETUDE_KERNEL_ADAM, "adam",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         const L1Matrix w = s.dense(r, c), g = s.dense(r, c), m = s.dense(r, c);
         t.adam(w, g, m, s.dense(r, c), adam_rates(0.1f, 0.9, 0.999, 1e-3, 1), 0.9f, 0.999f);
       }},
      {ETUDE_KERNEL_SGD, "sgd",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         t.sgd(s.matrix(r, c), s.matrix(r, c), 0.1f);
       }},
      {ETUDE_KERNEL_MSE, "mse",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         const L1Matrix y = s.matrix(r, c), target = s.matrix(r, c), dy = s.matrix(r, c);
         t.mse(y, target, dy, s.vector(1), 0.5f, 0.25f);
       }},
      {ETUDE_KERNEL_ADD_ROW, "add_row",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         const L1Matrix x = s.matrix(r, c);
         const std::uint32_t row = s.vector(c);
         t.add_row(x, row, s.matrix(r, c));
       }},
      {ETUDE_KERNEL_BROADCAST_ROW, "broadcast_row",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         t.broadcast_row(s.vector(c), s.matrix(r, c));
       }},
      {ETUDE_KERNEL_COLUMN_SUM, "column_sum",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         const L1Matrix x = s.matrix(r, c);
         t.column_sum(x, s.vector(c), s.numbers.below(2) == 0);
       }},
      {ETUDE_KERNEL_ROW_SUM, "row_sum",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         const L1Matrix x = s.matrix(r, c);
         t.row_sum(x, s.vector(r), s.numbers.below(2) == 0);
       }},
      {ETUDE_KERNEL_FILL, "fill",
       [](Scene& s, Tape& t) { t.fill(s.matrix(s.extent(9), s.extent(9)), 2.0f); }},
      {ETUDE_KERNEL_FILL, "clear FP16 of an even number of elements",
       [](Scene& s, Tape& t) { t.clear(s.dense(s.extent(9), 2 * s.extent(4), DType::kFloat16)); }},
      {ETUDE_KERNEL_TRANSPOSE, "transpose",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         L1Matrix mask = s.matrix(r, c), src = s.matrix(r, c);
         src.pitch = mask.pitch = std::min(src.pitch, mask.pitch);
         const bool masked = s.numbers.below(2) == 0;
         t.transpose(src, s.matrix(c, r), masked ? &mask : nullptr);
       }},
      {ETUDE_KERNEL_GEMM, "gemm", gemm},
      {ETUDE_KERNEL_FP32_TO_FP16, "FP32 to FP16",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         t.convert(s.matrix(r, c), s.matrix(r + 1, c + 1, DType::kFloat16));
       },
       2},
      {ETUDE_KERNEL_FP16_TO_FP32, "FP16 to FP32",
       [](Scene& s, Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         t.convert(s.matrix(r + 1, c + 1, DType::kFloat16), s.matrix(r, c));
       },
       2},
  };
}

std::vector<Case> image_cases() {
  const auto pool = [](bool average) {
    return [average](Scene& s, Tape& t) {
      const WindowView v = window(s, s.extent(4), true);
      const std::uint32_t from = image(s, v);
      t.pool(average, v, from, s.matrix(v.channels, pixels(v)),
             !average && s.numbers.below(2) == 0);
    };
  };
  const auto pool_grad = [](bool average) {
    return [average](Scene& s, Tape& t) {
      const WindowView v = window(s, s.extent(4), true);
      const L1Matrix dy = s.matrix(v.channels, pixels(v));
      const std::uint32_t x = average ? 0 : image(s, v);
      t.pool_grad(average, v, dy, x, image(s, v), !average && s.numbers.below(2) == 0);
    };
  };
  return {
      {ETUDE_KERNEL_IM2COL, "im2col",
       [](Scene& s, Tape& t) {
         const WindowView v = window(s, s.extent(4), false);
         const std::uint32_t from = image(s, v);
         t.im2col(v, from, s.matrix(v.channels * taps(v), pixels(v)));
       }},
      {ETUDE_KERNEL_IM2ROW, "im2row",
       [](Scene& s, Tape& t) {
         const WindowView v = window(s, s.extent(4), false);
         const std::uint32_t from = image(s, v);
         t.im2row(v, from, s.matrix(pixels(v), v.channels * taps(v)));
       }},
      {ETUDE_KERNEL_COL2IM, "col2im",
       [](Scene& s, Tape& t) {
         const WindowView v = window(s, s.extent(4), false);
         const L1Matrix columns = s.matrix(v.channels * taps(v), pixels(v));
         t.col2im(v, columns, image(s, v), s.numbers.below(2) == 0);
       }},
      {ETUDE_KERNEL_MAXPOOL, "maxpool", pool(false)},
      {ETUDE_KERNEL_AVGPOOL, "avgpool", pool(true)},
      {ETUDE_KERNEL_MAXPOOL_GRAD, "maxpool_grad", pool_grad(false)},
      {ETUDE_KERNEL_AVGPOOL_GRAD, "avgpool_grad", pool_grad(true)},
      {ETUDE_KERNEL_DEPTHWISE, "depthwise",
       [](Scene& s, Tape& t) {
         const WindowView v = window(s, s.extent(4), false);
         const std::uint32_t from = image(s, v), weights = s.vector(v.channels * taps(v));
         t.depthwise(v, from, weights, s.matrix(v.channels, pixels(v)));
       }},
      {ETUDE_KERNEL_DEPTHWISE_GRAD_INPUT, "depthwise_grad_input",
       [](Scene& s, Tape& t) {
         const WindowView v = window(s, s.extent(4), false);
         const L1Matrix dy = s.matrix(v.channels, pixels(v));
         const std::uint32_t weights = s.vector(v.channels * taps(v));
         t.depthwise_grad_input(v, dy, weights, image(s, v));
       }},
      {ETUDE_KERNEL_DEPTHWISE_GRAD_WEIGHT, "depthwise_grad_weight",
       [](Scene& s, Tape& t) {
         const WindowView v = window(s, s.extent(4), false);
         const std::uint32_t from = image(s, v);
         const L1Matrix dy = s.matrix(v.channels, pixels(v));
         t.depthwise_grad_weight(v, from, dy, s.vector(v.channels * taps(v)),
                                 s.numbers.below(2) == 0);
       }},
      {ETUDE_KERNEL_AFFINE_ROWS, "affine_rows",
       [](Scene& s, Tape& t) {
         const std::uint32_t channels = s.extent(4), r = channels * s.extent(3), c = s.extent(9);
         const std::uint32_t scale = s.numbers.below(2) == 0 ? s.vector(channels) : 0;
         const std::uint32_t shift = s.numbers.below(2) == 0 ? s.vector(channels) : 0;
         t.affine_rows(s.matrix(r, c), s.matrix(r, c), scale, shift, channels, s.numbers.below(3));
       }},
      {ETUDE_KERNEL_CHANNEL_SUMS, "channel_sums",
       [](Scene& s, Tape& t) {
         const ChannelBlock x = s.block(s.extent(3), s.extent(4), s.extent(9));
         const std::uint32_t mean = s.numbers.below(2) == 0 ? s.vector(x.channels) : 0;
         t.channel_sums(x, mean, s.vector(x.channels), s.numbers.below(2) == 0);
       }},
      {ETUDE_KERNEL_CHANNEL_PRODUCTS, "channel_products",
       [](Scene& s, Tape& t) {
         const ChannelBlock x = s.block(s.extent(3), s.extent(4), s.extent(9));
         const ChannelBlock dy = s.block(x.samples, x.channels, x.cols);
         const std::uint32_t mean = s.vector(x.channels), rstd = s.vector(x.channels);
         const std::uint32_t dbeta = s.vector(x.channels), dgamma = s.vector(x.channels);
         t.channel_products(x, dy, mean, rstd, dbeta, dgamma, s.numbers.below(2) == 0);
       }},
      {ETUDE_KERNEL_AFFINE_PAIR, "affine_pair",
       [](Scene& s, Tape& t) {
         const ChannelBlock a = s.block(s.extent(3), s.extent(4), s.extent(9));
         const ChannelBlock b = s.block(a.samples, a.channels, a.cols);
         const ChannelBlock y = s.block(a.samples, a.channels, a.cols);
         const std::uint32_t one = s.vector(a.channels), two = s.vector(a.channels);
         t.affine_pair(a, b, y, one, two, s.vector(a.channels));
       }},
      {ETUDE_KERNEL_AFFINE_MASK, "affine_mask",
       [](Scene& s, Tape& t) {
         const ChannelBlock x = s.block(s.extent(3), s.extent(4), s.extent(9));
         const ChannelBlock dy = s.block(x.samples, x.channels, x.cols);
         const std::uint32_t scale = s.vector(x.channels);
         t.affine_mask(x, dy, scale, s.vector(x.channels));
       }},
      {ETUDE_KERNEL_BATCHNORM_SCALES, "batchnorm_scales", norm_scales},
      {ETUDE_KERNEL_BATCHNORM_SLOPES, "batchnorm_slopes", norm_slopes},
  };
}

std::vector<Case> all_cases() {
  std::vector<Case> cases = row_cases();
  for (Case& one : image_cases()) {
    cases.push_back(std::move(one));
  }
  // The kernels that come out of a table: by the struct that they take.
#define ETUDE_ROW(e, number, name, args) {ETUDE_KERNEL_##e, #name, #args},
  struct Row {
    etude_kernel kernel;
    const char* name;
    std::string args;
  };
  static const Row rows[] = {ETUDE_KERNEL_LIST(ETUDE_ROW)};
#undef ETUDE_ROW
  for (const Row& row : rows) {
    const etude_kernel k = row.kernel;
    if (row.args == "unary") {
      cases.push_back({k, row.name, [k](Scene& s, Tape& t) { unary(s, t, k); }});
    } else if (row.args == "binary") {
      cases.push_back({k, row.name, [k](Scene& s, Tape& t) { binary(s, t, k); }});
    } else if (row.args == "result_grad") {
      cases.push_back({k, row.name, [k](Scene& s, Tape& t) { result_grad(s, t, k); }});
    }
  }
  return cases;
}

/// Whether a byte is declared as written, by another access than `except`.
bool declared(const PlanOp& op, std::uint32_t address, const Access* except = nullptr) {
  for (const Access& a : op.accesses) {
    if (&a != except && a.write && address >= a.address && address < a.end() &&
        (a.rows == 1 || (address - a.address) % a.pitch < a.row_bytes)) {
      return true;
    }
  }
  return false;
}

std::vector<std::uint8_t> run(Scene& scene, const PlanOp& op, unsigned workers) {
  const KernelCall& call = *op.as<KernelCall>();
  test::run_on_host(test::function_of(call.kernel), call.args.data(), workers);
  return scene.snapshot();
}

/// The bytes that are declared as written, by other accesses than `except`.
std::vector<std::uint8_t> results(const Scene& scene, const PlanOp& op,
                                  const std::vector<std::uint8_t>& memory,
                                  const Access* except = nullptr) {
  std::vector<std::uint8_t> found;
  for (std::uint32_t i = 0; i < memory.size(); ++i) {
    if (declared(op, scene.begin() + i, except)) {
      found.push_back(memory[i]);
    }
  }
  return found;
}

TEST_CASE("there is a case for each kernel that the tape can write", "[tape]") {
  // The runtime's batch normalisation in one piece and its FP16 product are for other programs.
  std::set<std::uint32_t> open{ETUDE_KERNEL_BATCHNORM, ETUDE_KERNEL_BATCHNORM_GRAD,
                               ETUDE_KERNEL_BATCHNORM_APPLY, ETUDE_KERNEL_GEMM_FP16};
  for (const Case& one : all_cases()) {
    open.insert(one.kernel);
  }
  CHECK(open.size() == ETUDE_KERNELS);
}

TEST_CASE("a kernel writes nothing that its operation does not declare", "[tape]") {
  for (const Case& one : all_cases()) {
    INFO(one.name);
    unsigned outside = 0;
    for (unsigned trial = 0; trial < kTrials; ++trial) {
      Scene scene(100 + trial);
      Tape tape{CostModel(PlatformConfig{})};
      one.write(scene, tape);
      REQUIRE(tape.ops.size() == 1);
      const PlanOp& op = tape.ops[0];
      REQUIRE(op.as<KernelCall>()->kernel == one.kernel);
      scene.fill(op, 0x7FABCDEF, trial);  // a NaN
      const auto before = scene.snapshot();
      const auto after = run(scene, op, 1 + trial % 8);
      for (std::uint32_t i = 0; i < after.size(); ++i) {
        outside += before[i] != after[i] && !declared(op, scene.begin() + i) ? 1 : 0;
      }
    }
    CHECK(outside == 0);
  }
}

TEST_CASE("what a kernel computes does not depend on bytes that its operation does not declare",
          "[tape]") {
  for (const Case& one : all_cases()) {
    INFO(one.name);
    unsigned different = 0, empty = 0;
    for (unsigned trial = 0; trial < kTrials; ++trial) {
      Scene scene(200 + trial);
      Tape tape{CostModel(PlatformConfig{})};
      one.write(scene, tape);
      const PlanOp& op = tape.ops[0];
      std::vector<std::uint8_t> made[3];
      const std::uint32_t poison[] = {0x7FABCDEF, 0x7149F2CA, 0xF149F2CA};  // a NaN, +-1e30
      for (int i = 0; i < 3; ++i) {
        scene.fill(op, poison[i], trial);
        made[i] = results(scene, op, run(scene, op, 1 + trial % 8));
      }
      different += made[0] != made[1] || made[0] != made[2] ? 1 : 0;
      empty += made[0].empty() ? 1 : 0;
    }
    CHECK(different == 0);
    CHECK(empty == 0);
  }
}

TEST_CASE("the first and the last element of each access that is declared are touched", "[tape]") {
  for (const Case& one : all_cases()) {
    // How often the ends of each access were written, or changed what is written elsewhere.
    std::vector<unsigned> first, last;
    for (unsigned trial = 0; trial < kTrials; ++trial) {
      Scene scene(300 + trial);
      Tape tape{CostModel(PlatformConfig{})};
      one.write(scene, tape);
      const PlanOp& op = tape.ops[0];
      first.resize(std::max(first.size(), op.accesses.size()));
      last.resize(first.size());
      scene.fill(op, 0x7FABCDEF, trial);
      const auto before = scene.snapshot();
      const auto usual = run(scene, op, 1);
      for (std::size_t i = 0; i < op.accesses.size(); ++i) {
        const Access& a = op.accesses[i];
        for (const bool end : {false, true}) {
          const std::uint32_t at = (end ? a.end() - one.element : a.address) - scene.begin();
          const bool written =
              a.write && !std::equal(&before[at], &before[at] + one.element, &usual[at]);
          scene.fill(op, 0x7FABCDEF, trial);
          scene.disturb(a, end ? a.rows - 1 : 0, end, a.row_bytes % 4 == 0 ? 4 : 2);
          const auto disturbed = run(scene, op, 1);
          const bool read = results(scene, op, disturbed, &a) != results(scene, op, usual, &a);
          (end ? last : first)[i] += written || read ? 1 : 0;
        }
      }
    }
    for (std::size_t i = 0; i < first.size(); ++i) {
      INFO(one.name << ", access " << i);
      CHECK(first[i] > 0);
      CHECK(last[i] > 0);
    }
  }
}

}  // namespace
}  // namespace etude
