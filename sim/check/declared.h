// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "program/program.h"
#include "sim/check/order.h"

namespace etude::check {

/// What a task list says of itself: the bytes of L1 that each operation reads and writes. Kernels,
/// transfers and jobs are held to it. A hart works on the operation of the kernel that it was
/// dispatched last; the interpreter's hart on the one that it has begun.
class Declared {
 public:
  /// `program` outlives the object.
  Declared(const Program& program, std::uint32_t l1_bytes, unsigned workers, bool controller);

  /// A further pass over the list.
  void next_pass() { popped_.assign(popped_.size(), 0); }
  /// The interpreter begins operation `op`.
  void begin(std::uint32_t op) { current_[interpreter_] = op; }
  /// `hart` takes the next kernel.
  void popped(unsigned hart);

  /// Whether the operation of `hart` may touch [address, address + bytes).
  bool allows(unsigned hart, std::uint32_t address, std::uint32_t bytes, bool write) const {
    return address - first_ >= bytes_ || declared(current_[hart], address, bytes, write);
  }
  /// "not declared by operation 3 (gemm, layer fc1)".
  std::string text(unsigned hart) const;

 private:
  static constexpr std::uint32_t kNone = ~0u;

  bool declared(std::uint32_t op, std::uint32_t address, std::uint32_t bytes, bool write) const;

  const Program& program_;
  std::uint32_t first_, bytes_;  ///< L1 behind what the runtime keeps
  unsigned interpreter_;
  std::vector<std::uint32_t> kernels_;  ///< operations of the cores, in order
  std::vector<std::size_t> popped_;     ///< by hart
  std::vector<std::uint32_t> current_;  ///< operation, by hart
};

}  // namespace etude::check
