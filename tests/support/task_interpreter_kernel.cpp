// SPDX-License-Identifier: Apache-2.0
// Kernels of a task list, on the host.
#include <bit>
#include <cmath>
#include <cstring>

#include "kernels/include/etude_kernels.h"
#include "tests/support/kernel_accesses.h"
#include "tests/support/task_interpreter.h"

namespace etude::test {

namespace {

float real(std::uint32_t bits) { return std::bit_cast<float>(bits); }

/// A kernel with the shares of all cores: what it adds up has their order. One core after the
/// other, but for kernels whose cores meet.
void run_as_cores(const std::uint32_t* a, unsigned cores) {
  const KernelFunction kernel = function_of(a[0]);
  if (a[0] == ETUDE_KERNEL_MSE || a[0] == ETUDE_KERNEL_BCE || a[0] == ETUDE_KERNEL_CROSS_ENTROPY) {
    return run_on_host(kernel, a + 1, cores);
  }
  for (unsigned core = 0; core < cores; ++core) {
    kernel(a + 1, core, cores);
  }
}

}  // namespace

std::vector<TaskInterpreter::Range> TaskInterpreter::kernel(const std::uint32_t* a) {
  const auto matrix = [](bool write, std::uint32_t address, std::uint32_t rows, std::uint32_t cols,
                         std::uint32_t pitch) {
    return Range{write, address, rows, 4 * cols, 4 * pitch};
  };
  const auto element = [&](std::uint32_t address, std::uint32_t r, std::uint32_t c,
                           std::uint32_t pitch) { return at(address + 4 * (r * pitch + c)); };
  const auto each = [](std::uint32_t rows, std::uint32_t cols, auto&& body) {
    for (std::uint32_t r = 0; r < rows; ++r) {
      for (std::uint32_t c = 0; c < cols; ++c) {
        body(r, c);
      }
    }
  };
  switch (a[0]) {
    case ETUDE_KERNEL_GEMM: {
      etude_gemm_args g;
      std::memcpy(&g, a + 1, sizeof g);
      const bool ta = (g.flags & ETUDE_GEMM_TRANS_A) != 0, tb = (g.flags & ETUDE_GEMM_TRANS_B) != 0;
      each(g.rows, g.cols, [&](std::uint32_t r, std::uint32_t c) {
        float acc = (g.flags & ETUDE_GEMM_BIAS) != 0 ? *at(g.bias + 4 * c) : 0.0f;
        acc = (g.flags & ETUDE_GEMM_ACCUMULATE) != 0 ? *element(g.c, r, c, g.pitch_c) + acc : acc;
        for (std::uint32_t i = 0; i < g.inner; ++i) {
          acc = std::fma(ta ? *element(g.a, i, r, g.pitch_a) : *element(g.a, r, i, g.pitch_a),
                         tb ? *element(g.b, c, i, g.pitch_b) : *element(g.b, i, c, g.pitch_b), acc);
        }
        *element(g.c, r, c, g.pitch_c) = (g.flags & ETUDE_GEMM_RELU) != 0 && !(acc > 0) ? 0 : acc;
      });
      return {matrix(false, g.a, ta ? g.inner : g.rows, ta ? g.rows : g.inner, g.pitch_a),
              matrix(false, g.b, tb ? g.cols : g.inner, tb ? g.inner : g.cols, g.pitch_b),
              matrix(true, g.c, g.rows, g.cols, g.pitch_c)};
    }
    case ETUDE_KERNEL_RELU_GRAD: {
      etude_result_grad_args g;
      std::memcpy(&g, a + 1, sizeof g);
      each(g.rows, g.cols, [&](std::uint32_t r, std::uint32_t c) {
        const float dy = *element(g.dy, r, c, g.pitch_dy);
        const float y = *element(g.y, r, c, g.pitch_y);
        *element(g.dx, r, c, g.pitch_dx) = y > 0 ? dy : std::isnan(y) ? y : 0;
      });
      return {matrix(false, g.dy, g.rows, g.cols, g.pitch_dy),
              matrix(false, g.y, g.rows, g.cols, g.pitch_y),
              matrix(true, g.dx, g.rows, g.cols, g.pitch_dx)};
    }
    case ETUDE_KERNEL_TRANSPOSE: {
      etude_transpose_args g;
      std::memcpy(&g, a + 1, sizeof g);
      each(g.rows, g.cols, [&](std::uint32_t r, std::uint32_t c) {
        const bool keep = g.y == 0 || *element(g.y, r, c, g.pitch_y) > 0;
        *element(g.dst, c, r, g.pitch_dst) = keep ? *element(g.src, r, c, g.pitch_src) : 0;
      });
      return {matrix(false, g.src, g.rows, g.cols, g.pitch_src),
              matrix(true, g.dst, g.cols, g.rows, g.pitch_dst)};
    }
    case ETUDE_KERNEL_COLUMN_SUM: {
      etude_column_sum_args g;
      std::memcpy(&g, a + 1, sizeof g);
      for (std::uint32_t c = 0; c < g.cols; ++c) {
        float sum = g.accumulate != 0 ? *at(g.dst + 4 * c) : 0;
        for (std::uint32_t r = 0; r < g.rows; ++r) {
          sum += *element(g.src, r, c, g.pitch_src);
        }
        *at(g.dst + 4 * c) = sum;
      }
      return {matrix(false, g.src, g.rows, g.cols, g.pitch_src),
              matrix(true, g.dst, 1, g.cols, g.cols)};
    }
    case ETUDE_KERNEL_SGD: {
      etude_sgd_args g;
      std::memcpy(&g, a + 1, sizeof g);
      each(g.rows, g.cols, [&](std::uint32_t r, std::uint32_t c) {
        float* w = element(g.w, r, c, g.pitch_w);
        *w = std::fma(-real(g.lr), *element(g.g, r, c, g.pitch_g), *w);
      });
      return {matrix(true, g.w, g.rows, g.cols, g.pitch_w),
              matrix(false, g.g, g.rows, g.cols, g.pitch_g)};
    }
    case ETUDE_KERNEL_BROADCAST_ROW: {
      etude_broadcast_row_args g;
      std::memcpy(&g, a + 1, sizeof g);
      each(g.rows, g.cols, [&](std::uint32_t r, std::uint32_t c) {
        *element(g.dst, r, c, g.pitch_dst) = *at(g.row + 4 * c);
      });
      return {matrix(false, g.row, 1, g.cols, g.cols),
              matrix(true, g.dst, g.rows, g.cols, g.pitch_dst)};
    }
    case ETUDE_KERNEL_RELU: {
      etude_unary_args g;
      std::memcpy(&g, a + 1, sizeof g);
      each(g.rows, g.cols, [&](std::uint32_t r, std::uint32_t c) {
        const float x = *element(g.x, r, c, g.pitch_x);
        *element(g.y, r, c, g.pitch_y) = x > 0 || std::isnan(x) ? x : 0;
      });
      return {matrix(false, g.x, g.rows, g.cols, g.pitch_x),
              matrix(true, g.y, g.rows, g.cols, g.pitch_y)};
    }
    case ETUDE_KERNEL_FILL: {
      etude_fill_args g;
      std::memcpy(&g, a + 1, sizeof g);
      each(g.rows, g.cols, [&](std::uint32_t r, std::uint32_t c) {
        *element(g.dst, r, c, g.pitch_dst) = real(g.value);
      });
      return {matrix(true, g.dst, g.rows, g.cols, g.pitch_dst)};
    }
    case ETUDE_KERNEL_ADD: {
      etude_binary_args g;
      std::memcpy(&g, a + 1, sizeof g);
      each(g.rows, g.cols, [&](std::uint32_t r, std::uint32_t c) {
        *element(g.c, r, c, g.pitch_c) =
            *element(g.a, r, c, g.pitch_a) + *element(g.b, r, c, g.pitch_b);
      });
      return {matrix(false, g.a, g.rows, g.cols, g.pitch_a),
              matrix(false, g.b, g.rows, g.cols, g.pitch_b),
              matrix(true, g.c, g.rows, g.cols, g.pitch_c)};
    }
    case ETUDE_KERNEL_FP32_TO_FP16:
    case ETUDE_KERNEL_FP16_TO_FP32: {
      etude_convert_args g;
      std::memcpy(&g, a + 1, sizeof g);
      const std::uint32_t from = a[0] == ETUDE_KERNEL_FP32_TO_FP16 ? 4 : 2;
      const std::uint32_t to = 6 - from;
      run_on_host(from == 4 ? etude_fp32_to_fp16 : etude_fp16_to_fp32, a + 1, 1);
      return {{false, g.src, g.rows, from * g.cols, from * g.pitch_src},
              {true, g.dst, g.rows, to * g.cols, to * g.pitch_dst}};
    }
    case ETUDE_KERNEL_DECODE_INT8:
    case ETUDE_KERNEL_DECODE_INT4:
    case ETUDE_KERNEL_DECODE_INT3:
    case ETUDE_KERNEL_DECODE_INT8_FP16:
    case ETUDE_KERNEL_DECODE_INT4_FP16:
    case ETUDE_KERNEL_DECODE_INT3_FP16: {
      etude_decode_args g;
      std::memcpy(&g, a + 1, sizeof g);
      const std::uint32_t form = (a[0] - ETUDE_KERNEL_DECODE_INT8) % 3;
      const std::uint32_t bits = form == 0 ? 8 : form == 1 ? 4 : 3;
      const std::uint32_t width = a[0] >= ETUDE_KERNEL_DECODE_INT8_FP16 ? 2 : 4;
      const std::uint32_t channels = (g.flags & ETUDE_DECODE_ROWS) != 0 ? g.rows : g.cols;
      run_as_cores(a, platform_.cluster.cores);
      return {{false, g.src, g.rows, (g.cols * bits + 31) / 32 * 4, g.pitch_src},
              {false, g.scales, 1, 4 * channels, 4 * channels},
              {true, g.dst, g.rows, width * g.cols, width * g.pitch_dst}};
    }
    default: {
      std::vector<Range> ranges;
      for (const KernelAccess& access : accesses_of(a)) {
        ranges.push_back(
            matrix(access.write, access.address, access.rows, access.cols, access.pitch));
        (void)at(access.address);
        (void)at(access.address + 4 * ((access.rows - 1) * access.pitch + access.cols - 1));
      }
      run_as_cores(a, platform_.cluster.cores);
      return ranges;
    }
  }
}

}  // namespace etude::test
