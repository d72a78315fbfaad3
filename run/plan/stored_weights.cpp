// SPDX-License-Identifier: Apache-2.0
#include "run/plan/stored_weights.h"

#include "models/base/error.h"
#include "run/plan/packed_base.h"

namespace etude::run {

void refuse_compression(const RootConfig& config) {
  if (config.compress.packs()) {
    check_packed(config);
  }
}

void refuse_alone(const RootConfig& config) {
  for (const char* key : {"/compress/home", "/compress/decode", "/compress/decoder"}) {
    if (config.is_given(key)) {
      throw UserError(key, "is given, and no weight is stored packed",
                      "give /compress/weights too");
    }
  }
}

}  // namespace etude::run
