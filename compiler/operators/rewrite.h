// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "workloads/training/training_graph.h"

namespace etude::compiler {

/// The same step with sums of more than two tensors written as chains of sums of two, products of
/// matrices last, so that each product can be added where it is made. Tensors keep their numbers;
/// new ones stand behind them.
TrainingGraph with_binary_sums(const TrainingGraph& training);

}  // namespace etude::compiler
