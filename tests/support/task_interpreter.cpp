// SPDX-License-Identifier: Apache-2.0
#include "tests/support/task_interpreter.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "kernels/include/etude_boot.h"
#include "kernels/include/etude_kernels.h"
#include "models/base/pulp_map_regs.h"
#include "models/redmule/chain.h"
#include "models/redmule/errata.h"
#include "models/redmule/redmule_regs.h"
#include "tests/support/kernel_accesses.h"

namespace etude::test {

namespace {

std::string hex(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", value);
  return text;
}

}  // namespace

TaskInterpreter::TaskInterpreter(const PlatformConfig& platform) : platform_(platform) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto add = [&](std::uint32_t base, std::uint64_t bytes) {
    Region& made = regions_.emplace_back();
    made.base = base;
    made.owned.assign(bytes / 4, nan);
    made.words = made.owned;
  };
  // Real kernels compute with 32-bit addresses: L1 lies where the program has it.
  const std::uint64_t l1 = platform.cluster.tcdm.size.raw();
  void* const wanted = reinterpret_cast<void*>(std::uintptr_t{ETUDE_L1_BASE});
  if (mmap(wanted, l1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
           -1, 0) != wanted) {
    throw std::runtime_error("the address of L1 is taken");
  }
  regions_.push_back({ETUDE_L1_BASE, {static_cast<float*>(wanted), l1 / 4}, {}});
  std::ranges::fill(regions_.back().words, nan);
  add(ETUDE_L2_BASE, platform.l2.size.raw());
  add(ETUDE_HYPERRAM_BASE, 16u << 20);
}

TaskInterpreter::~TaskInterpreter() {
  munmap(regions_.front().words.data(), regions_.front().words.size_bytes());
}

const float* TaskInterpreter::at(std::uint32_t address) const {
  for (const Region& region : regions_) {
    if (address >= region.base && address - region.base < 4 * region.words.size()) {
      if (address % 4 != 0) {
        throw std::runtime_error("unaligned address " + hex(address));
      }
      return region.words.data() + (address - region.base) / 4;
    }
  }
  throw std::runtime_error("address " + hex(address) + " outside memory");
}

float* TaskInterpreter::at(std::uint32_t address) {
  return const_cast<float*>(static_cast<const TaskInterpreter*>(this)->at(address));
}

void TaskInterpreter::write(const std::vector<MemoryImage>& images) {
  for (const MemoryImage& image : images) {
    if (!image.bytes.empty()) {
      (void)at(image.base.raw() + static_cast<std::uint32_t>(image.bytes.size()) - 4);
      std::memcpy(at(image.base.raw()), image.bytes.data(), image.bytes.size());
    }
  }
}

std::vector<float> TaskInterpreter::read(Address address, std::size_t floats) const {
  const float* first = at(address.raw());
  return {first, first + floats};
}

void TaskInterpreter::run(const Program& program) {
  const float* list = at(program.tasks.address.raw());
  etude_task_header header;
  std::memcpy(&header, list, sizeof header);
  if (header.magic != ETUDE_TASK_MAGIC || header.op_count != program.tasks.operations.size()) {
    throw std::runtime_error("no task list");
  }
  outstanding_.clear();
  posted = {};
  gradients.clear();
  found.clear();
  std::size_t next_probe = 0;
  for (std::uint32_t i = 0; i < header.op_count; ++i) {
    for (; next_probe < program.probes.size() && program.probes[next_probe].piece.op == i;
         ++next_probe) {
      probe(program.probes[next_probe]);
    }
    etude_op op;
    const std::uint32_t offset = (64 * i) & (header.window - 1);
    std::memcpy(&op, at(program.tasks.address.raw() + ETUDE_TASK_FIRST_OP + offset), sizeof op);
    if (op.layer >= program.layers.size()) {
      throw std::runtime_error("operation " + std::to_string(i) + " has no layer");
    }
    if (op.code == ETUDE_OP_WAIT) {
      if (op.arg[0] >= ETUDE_UNITS || op.arg[1] > posted[op.arg[0]]) {
        throw std::runtime_error("operation " + std::to_string(i) + " waits for ever");
      }
      std::erase_if(outstanding_, [&](const Outstanding& other) {
        return other.unit == op.arg[0] && other.number <= op.arg[1];
      });
      continue;
    }
    if (op.code == ETUDE_OP_END) {
      if (i + 1 != header.op_count) {
        throw std::runtime_error("the end is not the last operation");
      }
      continue;
    }
    Outstanding mine{op.unit, op.unit, ++posted.at(op.unit), i, {}};
    if (op.code == ETUDE_OP_DMA && op.arg[0] == ETUDE_DMA_TO_L2) {
      mine.queue = ETUDE_UNITS;
    }
    mine.ranges = execute(op);
    check(mine);
    outstanding_.push_back(std::move(mine));
  }
  if (next_probe != program.probes.size()) {
    throw std::runtime_error("probes are not in order");
  }
}

void TaskInterpreter::check(const Outstanding& mine) const {
  const auto touch = [](const Range& a, const Range& b) {
    for (std::uint32_t r = 0; r < a.rows; ++r) {
      const std::uint32_t begin = a.address + r * a.pitch;
      const std::uint32_t end = begin + a.row_bytes;
      if (end <= b.address || begin >= b.address + (b.rows - 1) * b.pitch + b.row_bytes) {
        continue;
      }
      for (std::uint32_t s = 0; s < b.rows; ++s) {
        const std::uint32_t other = b.address + s * b.pitch;
        if (begin < other + b.row_bytes && other < end) {
          return true;
        }
      }
    }
    return false;
  };
  for (const Outstanding& other : outstanding_) {
    if (other.queue == mine.queue) {
      continue;
    }
    for (const Range& a : mine.ranges) {
      for (const Range& b : other.ranges) {
        if ((a.write || b.write) && touch(a, b)) {
          throw std::runtime_error("operation " + std::to_string(mine.op) + " touches " +
                                   hex(a.address) + " while operation " + std::to_string(other.op) +
                                   " of unit " + std::to_string(other.unit) + " may use it");
        }
      }
    }
  }
}

std::vector<TaskInterpreter::Range> TaskInterpreter::execute(const etude_op& op) {
  const std::uint32_t* a = op.arg;
  switch (op.code) {
    case ETUDE_OP_KERNEL:
      return kernel(a);
    case ETUDE_OP_DMA: {
      const bool in = a[0] == ETUDE_DMA_TO_L1;
      if (a[5] != a[3] && a[6] != a[3]) {
        throw std::runtime_error("transfer strided on both sides");
      }
      if (a[3] * a[4] >= 1u << 17 || a[3] == 0 || a[4] == 0) {
        throw std::runtime_error("transfer of a length that the DMA cannot do");
      }
      if ((a[1] >> 20) != (ETUDE_L1_BASE >> 20) ||
          a[1] < ETUDE_L1_BASE + ETUDE_L1_RESERVED(platform_.cluster.cores)) {
        throw std::runtime_error("transfer touches the runtime's L1");
      }
      for (std::uint32_t r = 0; r < a[4]; ++r) {
        const std::uint32_t inside = a[1] + r * a[5];
        const std::uint32_t outside = a[2] + r * a[6];
        (void)at(inside + a[3] - 4);
        (void)at(outside + a[3] - 4);
        std::memcpy(at(in ? inside : outside), at(in ? outside : inside), a[3]);
      }
      return {{in, a[1], a[4], a[3], a[5]}, {!in, a[2], a[4], a[3], a[6]}};
    }
    case ETUDE_OP_SOC_DMA:
      if ((a[0] < ETUDE_HYPERRAM_BASE) == (a[1] < ETUDE_HYPERRAM_BASE)) {
        throw std::runtime_error("the SoC DMA moves between L2 and external memory");
      }
      (void)at(a[0] + a[2] - 4);
      (void)at(a[1] + a[2] - 4);
      std::memcpy(at(a[1]), at(a[0]), a[2]);
      return {{false, a[0], 1, a[2], a[2]}, {true, a[1], 1, a[2], a[2]}};
    case ETUDE_OP_REDMULE: {
      if (a[7] == ETUDE_REDMULE_FMT_FP16) {
        return half_job(a);
      }
      const std::uint32_t m = a[3], n = a[4], k = a[5], width = platform_.cluster.redmule.width;
      const std::uint32_t rows = (m + width - 1) / width * width;
      std::vector<float> z(std::size_t{rows} * k, std::numeric_limits<float>::quiet_NaN());
      for (std::uint32_t i = 0; i < m; ++i) {
        for (std::uint32_t j = 0; j < k; ++j) {
          float acc = a[6] == 1 ? *at(a[2] + 4 * (i * k + j)) : 0.0f;
          for (std::uint32_t r = 0; r < n; ++r) {
            acc = std::fma(*at(a[0] + 4 * (i * n + r)), *at(a[1] + 4 * (r * k + j)), acc);
          }
          z[i * k + j] = acc;
        }
      }
      (void)at(a[2] + 4 * rows * k - 4);
      std::memcpy(at(a[2]), z.data(), 4 * z.size());
      return {{false, a[0], 1, 4 * m * n, 0},
              {false, a[1], 1, 4 * n * k, 0},
              {true, a[2], 1, 4 * rows * k, 0}};
    }
    default:
      throw std::runtime_error("unknown operation " + std::to_string(op.code));
  }
}

std::vector<TaskInterpreter::Range> TaskInterpreter::half_job(const std::uint32_t* a) {
  const RedmuleConfig& array = platform_.cluster.redmule;
  RedmuleJob job;
  job.m = a[3];
  job.n = a[4];
  job.k = a[5];
  job.op = a[6];
  job.format = a[7];
  for (const int number : errata_of(job, array)) {
    if (erratum_breaks_data(number)) {
      throw std::runtime_error("a job of " + std::to_string(job.m) + "x" + std::to_string(job.n) +
                               "x" + std::to_string(job.k) + " falls into erratum " +
                               std::to_string(number));
    }
  }
  const std::uint32_t rows = (job.m + array.width - 1) / array.width * array.width;
  const auto bytes = [&](std::uint32_t address, std::uint32_t count) {
    (void)at(address / 4 * 4);
    (void)at((address + 2 * count - 1) / 4 * 4);
    return reinterpret_cast<std::uint8_t*>(std::uintptr_t{address});
  };
  std::vector<std::uint8_t> z(std::size_t{2} * rows * job.k, 0xFF);
  std::uint8_t* const result = bytes(a[2], rows * job.k);
  replay_chain(job, array, {bytes(a[0], job.m * job.n), bytes(a[1], job.n * job.k), result},
               z.data());
  std::ranges::copy(z, result);
  return {{false, a[0], 1, 2 * job.m * job.n, 0},
          {false, a[1], 1, 2 * job.n * job.k, 0},
          {true, a[2], 1, 2 * rows * job.k, 0}};
}

void TaskInterpreter::probe(const TensorProbe& p) {
  const Range mine{false, p.piece.address.raw(), p.piece.rows,
                   static_cast<std::uint32_t>(p.piece.row_bytes.raw()),
                   static_cast<std::uint32_t>(p.piece.pitch.raw())};
  check({~0u, ~0u, 0, p.piece.op, {mine}});
  auto& gradient = gradients[p.tensor];
  auto& count = found[p.tensor];
  for (std::uint32_t r = 0; r < p.piece.rows; ++r) {
    const std::size_t first = (p.tensor_offset.raw() + r * p.tensor_pitch.raw()) / 4;
    const std::size_t columns = p.piece.row_bytes.raw() / 4;
    if (gradient.size() < first + columns) {
      gradient.resize(first + columns);
      count.resize(first + columns);
    }
    const float* row =
        at(p.piece.address.raw() + r * static_cast<std::uint32_t>(p.piece.pitch.raw()));
    for (std::size_t c = 0; c < columns; ++c) {
      gradient[first + c] = row[c];
      ++count[first + c];
    }
  }
}

}  // namespace etude::test
