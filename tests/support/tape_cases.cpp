// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tape_cases.h"

#include <string>
#include <utility>

namespace etude::test {

namespace {

void unary(TapeScene& s, compiler::Tape& t, etude_kernel kernel) {
  const std::uint32_t r = s.extent(9), c = s.extent(9);
  t.unary(kernel, s.matrix(r, c), s.matrix(r, c), 2.0f);
}
void binary(TapeScene& s, compiler::Tape& t, etude_kernel kernel) {
  const std::uint32_t r = s.extent(9), c = s.extent(9);
  t.binary(kernel, s.matrix(r, c), s.matrix(r, c), s.matrix(r, c));
}
void result_grad(TapeScene& s, compiler::Tape& t, etude_kernel kernel) {
  const std::uint32_t r = s.extent(9), c = s.extent(9);
  t.result_grad(kernel, s.matrix(r, c), s.matrix(r, c), s.matrix(r, c));
}
void function(TapeScene& s, compiler::Tape& t, etude_kernel kernel) {
  const std::uint32_t r = s.extent(9), c = s.extent(9);
  t.function(kernel, s.matrix(r, c), s.matrix(r, c), {0.5f, 2.0f, 1.0f, 1.0f, 1.0f, 0.5f});
}
/// Whole words of a row: what pads one changes no result.
void decode(TapeScene& s, compiler::Tape& t, StoredNumber number, DType type) {
  const std::uint32_t r = s.extent(9),
                      words = s.extent(2) * (number == StoredNumber::kInt3 ? 3 : 1);
  const std::uint32_t c = words * 32 / bits_of(number);
  const bool per_row = s.numbers.below(2) == 0;
  t.decode(s.matrix(r, words), s.vector(per_row ? r : c), {number, StoredCode::kPlain, per_row},
           s.matrix(r, c, type));
}
void function_grad(TapeScene& s, compiler::Tape& t, etude_kernel kernel) {
  const std::uint32_t r = s.extent(9), c = s.extent(9);
  t.function_grad(kernel, s.matrix(r, c), s.matrix(r, c), s.matrix(r, c),
                  {0.5f, 2.0f, 1.0f, 1.0f, 0.5f});
}
void gemm(TapeScene& s, compiler::Tape& t) {
  const std::uint32_t m = s.extent(9), n = s.extent(9), k = s.extent(9);
  const std::uint32_t flags = s.numbers.below(32);
  const compiler::L1Matrix a = (flags & ETUDE_GEMM_TRANS_A) != 0 ? s.matrix(n, m) : s.matrix(m, n);
  const compiler::L1Matrix b = (flags & ETUDE_GEMM_TRANS_B) != 0 ? s.matrix(k, n) : s.matrix(n, k);
  const Address bias = (flags & ETUDE_GEMM_BIAS) != 0 ? s.vector(k) : Address{};
  t.gemm(a, b, s.matrix(m, k), n, bias, flags);
}
void norm_scales(TapeScene& s, compiler::Tape& t) {
  const std::uint32_t channels = s.extent(9);
  compiler::NormVectors v;
  v.gamma = s.vector(channels);
  v.beta = s.vector(channels);
  v.mean = s.vector(channels);
  v.variance = s.vector(channels);
  v.scale = s.vector(channels);
  v.shift = s.vector(channels);
  v.rstd = s.numbers.below(2) == 0 ? s.vector(channels) : Address{};
  t.batchnorm_scales(v, channels, 0.5f, 1e-3f);
}
void norm_slopes(TapeScene& s, compiler::Tape& t) {
  const std::uint32_t channels = s.extent(9);
  compiler::NormVectors v;
  v.gamma = s.vector(channels);
  v.mean = s.vector(channels);
  v.rstd = s.vector(channels);
  v.scale = s.vector(channels);
  v.shift = s.vector(channels);
  const Address dbeta = s.vector(channels), dgamma = s.vector(channels);
  t.batchnorm_slopes(v, dbeta, dgamma, s.vector(channels), channels, 0.25f);
}

std::vector<TapeCase> row_cases() {
  return {
      {ETUDE_KERNEL_LAYERNORM, "layernorm",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = 1 + s.extent(9);
         const compiler::L1Matrix x = s.matrix(r, c), gamma = s.dense(1, c), beta = s.dense(1, c);
         t.layernorm(x, gamma, beta, s.matrix(r, c), 1e-3f);
       }},
      {ETUDE_KERNEL_LAYERNORM_STATS, "layernorm_stats",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = 1 + s.extent(9);
         t.layernorm_stats(s.matrix(r, c), s.dense(r, 2), 1e-3f);
       }},
      {ETUDE_KERNEL_LAYERNORM_GRAD, "layernorm_grad",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = 2 + s.extent(9);
         const compiler::L1Matrix stats = s.dense(r, 2);
         const bool known = s.numbers.below(2) == 0;
         const compiler::L1Matrix dy = s.matrix(r, c), x = s.matrix(r, c), gamma = s.dense(1, c);
         t.layernorm_grad(dy, x, gamma, known ? &stats : nullptr, s.matrix(r, c), 1e-3f);
       }},
      {ETUDE_KERNEL_LAYERNORM_AFFINE_GRAD, "layernorm_affine_grad",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         const compiler::L1Matrix dy = s.matrix(r, c), x = s.matrix(r, c), stats = s.dense(r, 2);
         const compiler::L1Matrix dgamma = s.dense(1, c), dbeta = s.dense(1, c);
         t.layernorm_affine_grad(dy, x, stats, dgamma, dbeta, s.numbers.below(2) == 0);
       }},
      {ETUDE_KERNEL_SOFTMAX, "softmax",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = 1 + s.extent(9);
         t.softmax(s.matrix(r, c), s.matrix(r, c), 0.5f);
       }},
      {ETUDE_KERNEL_SOFTMAX_GRAD, "softmax_grad",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = 1 + s.extent(9);
         t.softmax_grad(s.matrix(r, c), s.matrix(r, c), s.matrix(r, c), 0.5f);
       }},
      {ETUDE_KERNEL_SOFTMAX_GRAD_ANY, "softmax_grad_any",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = 1 + s.extent(9);
         t.softmax_grad(s.matrix(r, c), s.matrix(r, c), s.matrix(r, c), 0.5f, true);
       }},
      {ETUDE_KERNEL_CROSS_ENTROPY, "cross_entropy",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = 1 + s.extent(9);
         const compiler::L1Matrix x = s.matrix(r, c), labels = s.labels(r, c);
         t.cross_entropy(x, labels, s.matrix(r, c), s.vector(1), 0.5f);
       }},
      {ETUDE_KERNEL_CROSS_ENTROPY_GRAD, "cross_entropy_grad",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = 1 + s.extent(9);
         const compiler::L1Matrix log_p = s.matrix(r, c), labels = s.labels(r, c);
         t.cross_entropy_grad(log_p, labels, s.matrix(r, c), 0.5f);
       }},
      {ETUDE_KERNEL_GELU, "gelu",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         t.gelu(s.matrix(r, c), s.matrix(r, c), s.numbers.below(3));
       }},
      {ETUDE_KERNEL_GELU_GRAD, "gelu_grad",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         t.gelu_grad(s.matrix(r, c), s.matrix(r, c), s.matrix(r, c), s.numbers.below(3));
       }},
  };
}

compiler::L1Matrix table(TapeScene& s, std::uint32_t cols, std::uint32_t rows, std::uint32_t first,
                         std::uint32_t count, compiler::L1Matrix* indices) {
  *indices = s.labels(rows, first + count);
  return s.matrix(count, cols);
}

std::vector<TapeCase> index_cases() {
  return {
      {ETUDE_KERNEL_GATHER, "gather",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9), first = s.numbers.below(2);
         compiler::L1Matrix indices;
         const compiler::L1Matrix rows = table(s, c, r, first, s.extent(4), &indices);
         t.gather(rows, indices, s.matrix(r, c), first);
       }},
      {ETUDE_KERNEL_SCATTER_ADD, "scatter_add",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9), first = s.numbers.below(2);
         compiler::L1Matrix indices;
         const compiler::L1Matrix rows = table(s, c, r, first, s.extent(4), &indices);
         t.scatter_add(s.matrix(r, c), indices, rows, first);
       }},
      {ETUDE_KERNEL_LOG_SOFTMAX, "log_softmax",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = 1 + s.extent(9);
         t.log_softmax(s.matrix(r, c), s.matrix(r, c));
       }},
      {ETUDE_KERNEL_LOG_SOFTMAX_GRAD, "log_softmax_grad",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = 1 + s.extent(9);
         t.log_softmax_grad(s.matrix(r, c), s.matrix(r, c), s.matrix(r, c));
       }},
      {ETUDE_KERNEL_RMSNORM, "rmsnorm",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = 1 + s.extent(9);
         t.rmsnorm(s.matrix(r, c), s.dense(1, c), s.matrix(r, c), 1e-3f);
       }},
      {ETUDE_KERNEL_RMSNORM_STATS, "rmsnorm_stats",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = 1 + s.extent(9);
         t.rmsnorm_stats(s.matrix(r, c), s.dense(r, 2), 1e-3f);
       }},
      {ETUDE_KERNEL_RMSNORM_GRAD, "rmsnorm_grad",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = 1 + s.extent(9);
         t.rmsnorm_grad(s.matrix(r, c), s.matrix(r, c), s.dense(1, c), s.matrix(r, c), 1e-3f);
       }},
  };
}

std::vector<TapeCase> element_cases() {
  return {
      {ETUDE_KERNEL_MOMENTUM, "momentum",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         t.momentum(s.dense(r, c), s.dense(r, c), s.dense(r, c), 0.1f, 0.9f);
       }},
      {ETUDE_KERNEL_ADAM, "adam",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         const compiler::L1Matrix w = s.dense(r, c), g = s.dense(r, c), m = s.dense(r, c);
         t.adam(w, g, m, s.dense(r, c), adam_rates(0.1f, 0.9, 0.999, 1e-3, 1), 0.9f, 0.999f);
       }},
      {ETUDE_KERNEL_SGD, "sgd",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         t.sgd(s.matrix(r, c), s.matrix(r, c), 0.1f);
       }},
      {ETUDE_KERNEL_MSE, "mse",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         const compiler::L1Matrix y = s.matrix(r, c), target = s.matrix(r, c), dy = s.matrix(r, c);
         t.mse(y, target, dy, s.vector(1), 0.5f, 0.25f);
       }},
      {ETUDE_KERNEL_BCE, "bce",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         const compiler::L1Matrix y = s.matrix(r, c), target = s.matrix(r, c), dy = s.matrix(r, c);
         t.bce(y, target, dy, s.vector(1), 0.5f, 0.25f);
       }},
      {ETUDE_KERNEL_ADD_ROW, "add_row",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         const compiler::L1Matrix x = s.matrix(r, c);
         const Address row = s.vector(c);
         t.add_row(x, row, s.matrix(r, c));
       }},
      {ETUDE_KERNEL_BROADCAST_ROW, "broadcast_row",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         t.broadcast_row(s.vector(c), s.matrix(r, c));
       }},
      {ETUDE_KERNEL_COLUMN_SUM, "column_sum",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         const compiler::L1Matrix x = s.matrix(r, c);
         t.column_sum(x, s.vector(c), s.numbers.below(2) == 0);
       }},
      {ETUDE_KERNEL_ROW_SUM, "row_sum",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         const compiler::L1Matrix x = s.matrix(r, c);
         t.row_sum(x, s.vector(r), s.numbers.below(2) == 0);
       }},
      {ETUDE_KERNEL_FILL, "fill",
       [](TapeScene& s, compiler::Tape& t) { t.fill(s.matrix(s.extent(9), s.extent(9)), 2.0f); }},
      {ETUDE_KERNEL_FILL, "clear FP16 of an even number of elements",
       [](TapeScene& s, compiler::Tape& t) {
         t.clear(s.dense(s.extent(9), 2 * s.extent(4), DType::kFloat16));
       }},
      {ETUDE_KERNEL_TRANSPOSE, "transpose",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         compiler::L1Matrix mask = s.matrix(r, c), src = s.matrix(r, c);
         src.pitch = mask.pitch = std::min(src.pitch, mask.pitch);
         const bool masked = s.numbers.below(2) == 0;
         t.transpose(src, s.matrix(c, r), masked ? &mask : nullptr);
       }},
      {ETUDE_KERNEL_GEMM, "gemm", gemm},
      {ETUDE_KERNEL_FP32_TO_FP16, "FP32 to FP16",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         t.convert(s.matrix(r, c), s.matrix(r + 1, c + 1, DType::kFloat16));
       },
       2},
      {ETUDE_KERNEL_FP16_TO_FP32, "FP16 to FP32",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t r = s.extent(9), c = s.extent(9);
         t.convert(s.matrix(r + 1, c + 1, DType::kFloat16), s.matrix(r, c));
       },
       2},
  };
}

std::vector<TapeCase> decode_cases() {
  const auto of = [](StoredNumber number, DType type) {
    return [number, type](TapeScene& s, compiler::Tape& t) { decode(s, t, number, type); };
  };
  constexpr DType kFp32 = DType::kFloat32, kFp16 = DType::kFloat16;
  return {{ETUDE_KERNEL_DECODE_INT8, "int8", of(StoredNumber::kInt8, kFp32)},
          {ETUDE_KERNEL_DECODE_INT4, "int4", of(StoredNumber::kInt4, kFp32)},
          {ETUDE_KERNEL_DECODE_INT3, "int3", of(StoredNumber::kInt3, kFp32)},
          {ETUDE_KERNEL_DECODE_INT8_FP16, "int8 to FP16", of(StoredNumber::kInt8, kFp16), 2},
          {ETUDE_KERNEL_DECODE_INT4_FP16, "int4 to FP16", of(StoredNumber::kInt4, kFp16), 2},
          {ETUDE_KERNEL_DECODE_INT3_FP16, "int3 to FP16", of(StoredNumber::kInt3, kFp16), 2}};
}

std::vector<TapeCase> image_cases() {
  return {
      {ETUDE_KERNEL_AFFINE_ROWS, "affine_rows",
       [](TapeScene& s, compiler::Tape& t) {
         const std::uint32_t channels = s.extent(4), r = channels * s.extent(3), c = s.extent(9);
         const Address scale = s.numbers.below(2) == 0 ? s.vector(channels) : Address{};
         const Address shift = s.numbers.below(2) == 0 ? s.vector(channels) : Address{};
         t.affine_rows(s.matrix(r, c), s.matrix(r, c), scale, shift, channels, s.numbers.below(3));
       }},
      {ETUDE_KERNEL_CHANNEL_SUMS, "channel_sums",
       [](TapeScene& s, compiler::Tape& t) {
         const compiler::ChannelBlock x = s.block(s.extent(3), s.extent(4), s.extent(9));
         const Address mean = s.numbers.below(2) == 0 ? s.vector(x.channels) : Address{};
         t.channel_sums(x, mean, s.vector(x.channels), s.numbers.below(2) == 0);
       }},
      {ETUDE_KERNEL_CHANNEL_PRODUCTS, "channel_products",
       [](TapeScene& s, compiler::Tape& t) {
         const compiler::ChannelBlock x = s.block(s.extent(3), s.extent(4), s.extent(9));
         const compiler::ChannelBlock dy = s.block(x.samples, x.channels, x.cols);
         const Address mean = s.vector(x.channels), rstd = s.vector(x.channels);
         const Address dbeta = s.vector(x.channels), dgamma = s.vector(x.channels);
         t.channel_products(x, dy, mean, rstd, dbeta, dgamma, s.numbers.below(2) == 0);
       }},
      {ETUDE_KERNEL_AFFINE_PAIR, "affine_pair",
       [](TapeScene& s, compiler::Tape& t) {
         const compiler::ChannelBlock a = s.block(s.extent(3), s.extent(4), s.extent(9));
         const compiler::ChannelBlock b = s.block(a.samples, a.channels, a.cols);
         const compiler::ChannelBlock y = s.block(a.samples, a.channels, a.cols);
         const Address one = s.vector(a.channels), two = s.vector(a.channels);
         t.affine_pair(a, b, y, one, two, s.vector(a.channels));
       }},
      {ETUDE_KERNEL_AFFINE_MASK, "affine_mask",
       [](TapeScene& s, compiler::Tape& t) {
         const compiler::ChannelBlock x = s.block(s.extent(3), s.extent(4), s.extent(9));
         const compiler::ChannelBlock dy = s.block(x.samples, x.channels, x.cols);
         const Address scale = s.vector(x.channels);
         t.affine_mask(x, dy, scale, s.vector(x.channels));
       }},
      {ETUDE_KERNEL_BATCHNORM_SCALES, "batchnorm_scales", norm_scales},
      {ETUDE_KERNEL_BATCHNORM_SLOPES, "batchnorm_slopes", norm_slopes},
  };
}

}  // namespace

std::vector<TapeCase> tape_cases() {
  std::vector<TapeCase> cases = row_cases();
  for (auto& more : {element_cases(), window_cases(false), window_cases(true), image_cases(),
                     index_cases(), decode_cases()}) {
    cases.insert(cases.end(), more.begin(), more.end());
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
    if (row.args == "function") {
      cases.push_back({k, row.name, [k](TapeScene& s, compiler::Tape& t) { function(s, t, k); }});
    } else if (row.args == "function_grad") {
      cases.push_back(
          {k, row.name, [k](TapeScene& s, compiler::Tape& t) { function_grad(s, t, k); }});
    } else if (row.args == "maximum_grad") {
      cases.push_back({k, row.name, [](TapeScene& s, compiler::Tape& t) {
                         const std::uint32_t r = s.extent(9), c = s.extent(9);
                         t.maximum_grad(s.matrix(r, c), s.matrix(r, c), s.matrix(r, c),
                                        s.matrix(r, c));
                       }});
    } else if (row.args == "unary") {
      cases.push_back({k, row.name, [k](TapeScene& s, compiler::Tape& t) { unary(s, t, k); }});
    } else if (row.args == "binary") {
      cases.push_back({k, row.name, [k](TapeScene& s, compiler::Tape& t) { binary(s, t, k); }});
    } else if (row.args == "result_grad") {
      cases.push_back(
          {k, row.name, [k](TapeScene& s, compiler::Tape& t) { result_grad(s, t, k); }});
    }
  }
  return cases;
}

}  // namespace etude::test
