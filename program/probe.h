// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "models/base/types.h"

namespace etude {

/// A two-dimensional piece of simulated memory that the simulator copies, in no time, when the
/// controller starts operation `op` of the task list (so that a gradient can be seen before its
/// buffer is used again).
struct Probe {
  std::uint32_t op{};
  Address address;
  std::uint32_t rows{1};
  Bytes row_bytes;
  Bytes pitch;          ///< between row starts
  std::uint32_t tag{};  ///< the asker's own number
};

/// A piece of a tensor in L1, and where in the dense tensor it belongs.
struct TensorProbe {
  Probe piece;             ///< its tag is unused
  std::uint32_t tensor{};  ///< number in the training graph
  Bytes tensor_offset;     ///< of the piece's first byte in the dense tensor
  Bytes tensor_pitch;      ///< in the tensor, between row starts
};

}  // namespace etude
