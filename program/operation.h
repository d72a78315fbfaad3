// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <variant>
#include <vector>

#include "models/base/types.h"
#include "program/access.h"

namespace etude {

/// Units that work through a queue of operations each, numbered as in the task list (enum
/// etude_unit).
enum class TaskUnit : std::uint8_t { kCores, kRedmule, kDma, kSocDma };
inline constexpr unsigned kUnits = 4;

/// A kernel that all workers run.
struct KernelCall {
  std::uint32_t kernel = 0;  ///< enum etude_kernel
  std::array<std::uint32_t, 13> args{};
};

/// A RedMulE job Z[m,k] = (Z +) X[m,n] W[n,k] on dense matrices in L1.
struct MatrixJob {
  Address x, w, z;
  std::uint32_t m = 0, n = 0, k = 0;
  bool accumulate = false;  ///< Z holds an addend before the job
  bool half = false;        ///< FP16 matrices, else FP32
};

/// A transfer of the cluster DMA between L1 and L2; one of the two pitches equals the row bytes.
struct Transfer {
  bool to_l1 = true;
  Address l1, l2;
  std::uint32_t row_bytes = 0, rows = 1;
  std::uint32_t l1_pitch = 0, l2_pitch = 0;  ///< bytes between row starts
  std::uint64_t bytes() const { return std::uint64_t{row_bytes} * rows; }
};

/// A transfer of the SoC's DMA between L2 and HyperRAM or flash.
struct PageTransfer {
  Address from, to;
  std::uint32_t bytes = 0;
};

/// Sets the flash's sectors from `first` on to ones, by the SoC's DMA: what stands there can be
/// programmed anew.
struct FlashErase {
  Address first;
  std::uint32_t bytes = 0;  ///< whole sectors
};

/// The controller goes on when `unit` has completed `count` operations of this step.
struct Wait {
  TaskUnit unit{};
  std::uint32_t count = 0;
};

/// The last operation: waits for every unit.
struct End {};

/// An argument of a kernel that the host renews before each pass over the task list.
struct RateArgument {
  enum class Rate : std::uint8_t { kLearningRate, kMomentum, kAdamLearningRate, kAdamEpsilon };
  Rate rate{};
  std::uint32_t argument = 0;  ///< index in KernelCall::args
};

/// One operation of a task list, with the bytes that it touches.
struct Operation {
  std::variant<End, Wait, KernelCall, MatrixJob, Transfer, PageTransfer, FlashErase> what;
  std::uint32_t layer = 0;  ///< index of the layer that it counts for
  std::vector<Access> accesses;
  std::vector<RateArgument> rates;

  /// The operation as one kind, or null.
  template <class Kind>
  const Kind* as() const {
    return std::get_if<Kind>(&what);
  }
  /// Whether it goes to a unit's queue: all but waits and the end.
  bool posted() const { return as<End>() == nullptr && as<Wait>() == nullptr; }
  /// The unit whose queue it goes to; of a posted operation only.
  TaskUnit unit() const;
};

}  // namespace etude
