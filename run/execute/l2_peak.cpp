// SPDX-License-Identifier: Apache-2.0
#include "run/execute/l2_peak.h"

#include <stdexcept>
#include <string>

namespace etude::run {

Bytes within_plan(Bytes touched, Bytes planned) {
  if (touched > planned) {
    throw std::logic_error("the run touched L2 up to byte " + std::to_string(touched.raw()) +
                           ", the plan ends at " + std::to_string(planned.raw()));
  }
  return touched;
}

}  // namespace etude::run
