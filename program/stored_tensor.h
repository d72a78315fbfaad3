// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "models/base/types.h"

namespace etude {

/// What stands outside L1 during a step; accesses name it by its place in a list (ObjectId). A
/// tensor that is fetched again has an entry for each stay.
struct StoredTensor {
  std::string name;
  std::string kind;       ///< parameter | input | state | activation | gradient | loss
  Bytes bytes;            ///< that it takes: whole beats
  bool external = false;  ///< in HyperRAM, else in L2
  bool always = false;    ///< from the begin of the step to its end
  Address address;
};

}  // namespace etude
