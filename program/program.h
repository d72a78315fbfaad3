// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/base/types.h"
#include "workloads/graph/graph.h"

namespace etude {

/// One row of result.json's layers: etude_op.layer is its index.
struct LayerEntry {
  std::string name;
  std::string op;          ///< operator, "Page" for transfers between L2 and external memory
  std::string phase;       ///< forward | backward | recompute | update | page
  std::string unit;        ///< cores | redmule | dma
  std::uint64_t macs = 0;  ///< algorithmic, whole batch
};

/// Where a tensor stands at both ends of a step: dense, row major, 4 bytes per element.
struct TensorPlace {
  TensorId tensor{};
  std::string name;
  Address address;
  Bytes bytes;
  Shape shape;
  DType dtype = DType::kFloat32;
};

/// A piece of a tensor that stands in L1 when the controller starts operation `op`: the simulator
/// copies it then, before the buffer is used again.
struct TensorProbe {
  std::uint32_t op = 0;
  TensorId tensor{};
  Address address;  ///< in L1
  std::uint32_t rows = 1;
  Bytes row_bytes;
  Bytes pitch;          ///< in L1, between row starts
  Bytes tensor_offset;  ///< of the piece's first byte in the dense tensor
  Bytes tensor_pitch;   ///< in the tensor, between row starts
};

/// One RedMulE job Z[m,k] = (Z +) X[m,n] W[n,k] on dense matrices in L1, so that a checker can
/// replay its chain. X and W are complete when the controller starts operation `op`; so is Z,
/// unless the job before it on the array still accumulates into it.
struct GemmJobRecord {
  std::uint32_t op = 0;
  std::uint32_t layer = 0;
  Address x, w, z;
  std::uint32_t m = 0, n = 0, k = 0;
  bool accumulate = false;  ///< Z holds an addend before the job
  bool half = false;        ///< FP16 matrices
};

/// A buffer of L1: in use from the moment when operation `first_op` of the task list is posted
/// until all of `last_ops` are done (the last one of each unit that touches it).
struct L1Buffer {
  Address address;
  Bytes bytes;
  std::uint32_t first_op = 0;
  std::vector<std::uint32_t> last_ops;
};

/// Bytes; definitions in docs/compiler.md.
struct MemoryFigures {
  Bytes l1_peak, l2_peak, l3_peak, parameters, trainable, gradients, activations_peak;
  Bytes activations_peak_gradients_kept;  ///< if all weight gradients were kept to the end
};

/// A training step ready to run: the task list, where everything lies, and how to account for it.
struct Program {
  Address task_list_address;
  std::vector<std::uint8_t> task_list;  ///< etude_task_header and operations (etude_task.h)
  /// Bytes of operations that are in L2 at a time; 0: all. Then the list is at home in HyperRAM.
  Bytes list_window;
  Address list_home;  ///< of the operations, without header
  std::uint32_t op_count = 0;
  std::vector<LayerEntry> layers;
  std::vector<TensorPlace> inputs;      ///< filled by the host before each step
  std::vector<TensorPlace> parameters;  ///< at home; updated in place by a step
  std::vector<TensorPlace> states;      ///< of the optimiser: at home, updated in place by a step
  TensorPlace loss;                     ///< one float, final at the end of the step
  std::vector<TensorProbe> probes;      ///< every gradient of a trained parameter
  std::vector<GemmJobRecord> gemm_jobs;
  MemoryFigures memory;
  bool home_extmem = false;
  /// Bytes of L2 that the memory plan has handed out, behind the task list, at each operation.
  std::vector<std::uint32_t> l2_used;
  Bytes l1_reserved;                 ///< of the runtime: stacks, rings, the loss
  std::vector<L1Buffer> l1_buffers;  ///< behind them
  Cycle modelled_cycles;             ///< of the cost model that chose tiles and order
  std::vector<std::string> warnings;
};

/// Bytes that stand at an address.
struct ProgramImage {
  Address address;
  std::vector<std::uint8_t> bytes;
};

}  // namespace etude
