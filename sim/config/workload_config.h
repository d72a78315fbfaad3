// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/base/types.h"
#include "workloads/training/method_options.h"

namespace etude {

/// Number of a symbolic extent of an ONNX graph's inputs: /workload/dimensions/NAME.
struct DimensionConfig {
  unsigned size = 1;
};

/// What is trained, resolved: /workload. Exactly one of `network` and `onnx` is set.
struct WorkloadConfig {
  /// Where parameters and inputs stand at both ends of a step.
  enum class Home { kAuto, kL2, kExtmem };
  std::string network;  ///< built-in network (workloads/networks/networks.h)
  std::vector<unsigned>
      sizes;           ///< features of each layer of network mlp, input first (>= 2 of them)
  std::string onnx;    ///< ONNX file
  std::string inputs;  ///< npz of inputs (resolved path); empty: numbers drawn from train.seed
  unsigned batch = 1;  ///< samples per step
  std::map<std::string, DimensionConfig> dimensions;  ///< symbolic extents, by name
  Home home = Home::kAuto;
};

/// How it is trained, resolved: /train.
struct TrainConfig {
  using Method = MethodOptions::Method;
  enum class AdaptersIn { kTrained, kAll };
  enum class Optimizer { kSgd, kMomentum, kAdam };
  enum class Precision { kFp32, kMixedFp16 };
  enum class Loss { kAuto, kCrossEntropy, kMse, kBce, kGraph };
  Method method = Method::kFull;
  Loss loss = Loss::kAuto;          ///< of an inference graph from a file
  std::vector<std::string> freeze;  ///< parameters that are not trained: names or patterns
  unsigned k =
      0;  ///< methods last_k, lora: trained blocks, from the last; 0: 1 for last_k, all for lora
  unsigned rank = 4;                ///< method lora
  double alpha = 0;                 ///< method lora; 0: equal to rank
  std::vector<std::string> layers;  ///< method lora: target layers; empty: all
  AdaptersIn adapters_in = AdaptersIn::kTrained;
  Optimizer optimizer = Optimizer::kSgd;
  double lr = 0.01;                                   ///< learning rate
  double momentum = 0;                                ///< 0 with optimizer momentum: 0.9
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;  ///< optimizer adam
  unsigned accumulate = 1;  ///< batches whose mean gradient makes one update
  Precision precision = Precision::kFp32;
  double loss_scale = 1;
  unsigned steps = 1;
  std::string initial;     ///< npz of initial parameters (resolved path); empty: drawn from seed
  std::uint64_t seed = 1;  ///< of initial parameters, and of inputs when none are given
};

/// Which tensors are kept, recomputed or paged, resolved: /schedule.
struct ScheduleConfig {
  enum class Policy { kKeep, kOptimal, kCheckmate, kPage, kSqrt, kCapuchin, kPofo, kPoet };
  enum class Objective { kEnergy, kTime, kEdp, kPeak };
  enum class PageTo { kExtmem, kFlash };
  Policy policy = Policy::kKeep;
  /// L2 of activations, gradients and pages, and of parameters, states and inputs unless their home
  /// is L2, bytes; at most 1: a part of what keep needs; 0: not given, what L2 leaves.
  double budget = 0;
  double deadline = 0;  ///< seconds; 0: not given, none
  Objective objective = Objective::kEnergy;
  PageTo page_to = PageTo::kExtmem;
  std::string file;  ///< a schedule to carry out (resolved path); empty: the policy makes one
};

/// Tile sizes and unit of one operator given by hand; 0 = chosen by the cost model.
struct TileConfig {
  enum class Unit { kAuto, kCores, kRedmule };
  unsigned m = 0;  ///< rows of the result per tile
  unsigned n = 0;  ///< reduction per tile
  unsigned k = 0;  ///< columns of the result per tile
  Unit unit = Unit::kAuto;
};

/// Tiling for L1, resolved: /tiling.
struct TilingConfig {
  Bytes l1_budget{0};         ///< L1 that tiles may use; 0: all but the runtime's part
  bool double_buffer = true;  ///< transfers under computation
  std::map<std::string, TileConfig> operators;  ///< by operator name, as result.json's layers
};

}  // namespace etude
