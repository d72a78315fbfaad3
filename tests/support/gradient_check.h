// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "workloads/reference/reference.h"
#include "workloads/training/training_graph.h"

namespace etude::test {

/// Checks gradients of every trainable parameter against central differences of the loss, both by
/// the float64 reference (a sample of at most `samples` elements of each).
void check_gradients(const TrainingGraph& training, StartValues start, std::size_t samples = 9);

}  // namespace etude::test
