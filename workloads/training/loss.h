// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "workloads/networks/networks.h"

namespace etude {

/// Losses that can be put behind a network.
enum class LossKind {
  kCrossEntropy,  ///< of logits [samples,classes] with labels, the mean over samples
  kMse,           ///< mean over all elements of (output - target)^2
  kBce,           ///< binary cross entropy of logits with targets 0..1, mean over all elements
};
/// "cross_entropy", "mse", "bce": as /train/loss has it.
const char* name_of(LossKind kind);

/// Adds a loss over the network's output, and the input that it needs: "labels" (one integer per
/// sample) or "target" (of the output's shape). Errors: UserError for a cross entropy of an output
/// that is no [samples,classes] with at least two classes, or a loss of a single number.
void add_loss(Network& network, LossKind kind);

/// The operator that made the network's output, looking through changes of shape.
std::optional<OpType> last_operator(const Network& network);

/// Lets the output be what the last operator (Softmax or Sigmoid) reads, in the output's shape;
/// that operator goes where nothing else reads it. False where the rows of the two are not the
/// same.
bool drop_last_operator(Network& network);

}  // namespace etude
