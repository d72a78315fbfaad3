// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "workloads/graph/graph.h"

namespace etude {

/// The parameters of a function of one element, in the order in which its kernel takes them
/// (etude_function_args, etude_function_grad_args of kernels/include/etude_kernels.h), from the
/// node's attributes; what is left out has its default. Floats, as the hardware knows them.
///   Piecewise: low (-inf), high (inf), below (0), above (0), slope (1), offset (0)
///   PiecewiseGrad: low, high, below, above, slope
///   Elu: gamma (1), gamma alpha (alpha: 1), rate (1)
///   EluGrad: gamma, gamma alpha rate, rate
///   Power: exponent (1)
/// Errors: std::logic_error for an operator without parameters.
std::vector<float> parameters_of(const Node& node);

}  // namespace etude
