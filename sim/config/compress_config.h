// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <map>
#include <string>

namespace etude {

/// How one frozen weight is stored: /compress for all of them, /compress/tensors/NAME for one.
struct StoredWeightConfig {
  enum class Weights { kNone, kFp16, kInt8, kInt4, kInt3 };
  enum class Pattern { kFree, kTwoOfFour };
  enum class Code { kPlain, kBitmap, kHuffman };
  Weights weights = Weights::kNone;  ///< numbers; none: FP32 as they are
  double sparsity = 0;               ///< part that is set to zero, the smallest magnitudes
  Pattern pattern = Pattern::kFree;
  Code code = Code::kPlain;
};

/// Who turns stored weights into the numbers that the array reads: /compress/decoder.
struct DecoderConfig {
  enum class Engine { kCores, kStream };
  Engine engine = Engine::kCores;
  double weights_per_cycle = 1;  ///< of the stream decoder
};

/// Frozen weights in small forms, resolved: /compress.
struct CompressConfig : StoredWeightConfig {
  enum class Home { kL2, kExtmem, kFlash };
  enum class Decode { kTile, kStep, kBoot };
  Home home = Home::kL2;          ///< where the packed weights stand
  Decode decode = Decode::kTile;  ///< into a tile in L1 at each use, once a step, or at boot
  DecoderConfig decoder;
  std::map<std::string, StoredWeightConfig> tensors;  ///< by parameter name

  /// Whether a weight is to be packed by the program itself.
  bool packs() const {
    return weights != Weights::kNone || std::ranges::any_of(tensors, [](const auto& tensor) {
             return tensor.second.weights != Weights::kNone;
           });
  }
};

}  // namespace etude
