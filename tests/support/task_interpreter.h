// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "kernels/include/etude_task.h"
#include "program/memory_image.h"
#include "program/program.h"
#include "sim/config/platform_config.h"
#include "workloads/graph/graph.h"

namespace etude::test {

/// Executes a program's task list on the host, one operation after the other, on flat memories that
/// start as NaN. Independently of the lowering it checks that no operation touches bytes that an
/// operation of another unit, posted and not waited for, may still read or write. Float arithmetic
/// as the kernels and RedMulE do it: one fma chain per element, ascending; kernels that it does not
/// know itself are the real ones, compiled for this machine. L1 stands at its true address, so that
/// one interpreter can exist at a time.
class TaskInterpreter {
 public:
  explicit TaskInterpreter(const PlatformConfig& platform);
  ~TaskInterpreter();
  TaskInterpreter(const TaskInterpreter&) = delete;
  TaskInterpreter& operator=(const TaskInterpreter&) = delete;

  void write(const std::vector<MemoryImage>& images);
  std::vector<float> read(Address address, std::size_t floats) const;
  /// One step. Throws std::runtime_error naming the operation at the first hazard or access
  /// outside.
  void run(const Program& program);

  /// Pieces of the gradients as the probes found them in the last step, put together by tensor.
  std::map<TensorId, std::vector<float>> gradients;
  /// How often each element was found.
  std::map<TensorId, std::vector<int>> found;
  std::array<std::uint32_t, ETUDE_UNITS> posted{};

 private:
  struct Range {
    bool write;
    std::uint32_t address, rows, row_bytes, pitch;
  };
  struct Outstanding {
    unsigned queue;  ///< unit; the second direction of the DMA counts for itself
    unsigned unit;
    std::uint32_t number;
    std::uint32_t op;
    std::vector<Range> ranges;
  };
  float* at(std::uint32_t address);
  const float* at(std::uint32_t address) const;
  void check(const Outstanding& mine) const;
  std::vector<Range> execute(const etude_op& op);
  std::vector<Range> kernel(const std::uint32_t* arg);
  std::vector<Range> half_job(const std::uint32_t* arg);
  void probe(const TensorProbe& probe);

  PlatformConfig platform_;
  struct Region {
    std::uint32_t base;
    std::span<float> words;
    std::vector<float> owned;
  };
  std::vector<Region> regions_;
  std::vector<Outstanding> outstanding_;
};

}  // namespace etude::test
