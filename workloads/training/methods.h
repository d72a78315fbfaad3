// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "workloads/networks/networks.h"
#include "workloads/training/method_options.h"

namespace etude {

/// Freezes what the method does not train and, for LoRA (Hu et al., arXiv 2106.09685), adds to each
/// target y = x W the path x A B: parameters "<layer>.lora_a" [in,rank] and "<layer>.lora_b"
/// [rank,out], which starts at 0. Products that share a matrix share its adapter. Batch
/// normalisations that are frozen use their statistics.
/// Errors: UserError for a rank of 0 or above an extent of its layer, k above the number of blocks,
/// or a layer that does not exist.
void apply_method(Network& network, const MethodOptions& options);

/// Freezes the parameters that the names or patterns (* for any characters, ? for one) choose, on
/// top of what the method freezes: by a parameter's name, its layer's, or "<layer>.weight" and
/// "<layer>.bias". Errors: UserError for one that chooses no parameter, with the
/// nearest name, or when nothing is left to train.
void freeze(Network& network, const std::vector<std::string>& patterns);

/// Freezes parameters that the loss does not depend on (of a graph that has its loss); their names.
std::vector<std::string> freeze_unreached(Graph& graph);

}  // namespace etude
