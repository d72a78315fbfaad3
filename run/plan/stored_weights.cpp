// SPDX-License-Identifier: Apache-2.0
#include "run/plan/stored_weights.h"

#include "models/base/error.h"
#include "workloads/codecs/packed_archive.h"

namespace etude::run {

void refuse_compression(const RootConfig& config) {
  if (config.compress.packs()) {
    const bool all = config.compress.weights != CompressConfig::Weights::kNone;
    throw UserError(all ? "/compress/weights"
                        : "/compress/tensors/" + config.compress.tensors.begin()->first,
                    "a step from packed weights is not available yet",
                    "leave it out: weights stand in FP32");
  }
  for (const char* key : {"/compress/home", "/compress/decode", "/compress/decoder"}) {
    if (config.is_given(key)) {
      throw UserError(key, "is given, and no weight is stored packed", "give /compress/weights too");
    }
  }
}

void refuse_packed(const NpzArchive& archive, const std::string& file) {
  if (is_packed(archive)) {
    throw UserError(file, "holds packed parameters, and a step from them is not available yet",
                    "give the archive that it was made of");
  }
}

}  // namespace etude::run
