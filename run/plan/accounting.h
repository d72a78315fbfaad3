// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include "run/plan/plan.h"

namespace etude::run {

/// What a device that runs the step has to have, in bytes: `flash` (code of the runtime and kernels
/// that run it; weights, packed ones as their numbers stand; scales and tables of packed ones; task
/// list), `arena` (persistent: trained parameters and optimiser states; inputs; non_persistent:
/// peak of activations and gradients; decode_scratch: the most that packed tiles and their scales
/// take of L1 for one layer; l1_tiles: the rest of the peak of buffers in L1; stacks; runtime:
/// rings and boot block in L1), and `tensors`, all that stands outside L1, largest first. `code` is
/// null where the runtime is not built.
nlohmann::ordered_json accounting_json(const Plan& plan);

}  // namespace etude::run
