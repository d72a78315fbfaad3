// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "workloads/networks/initial.h"
#include "workloads/training/training_graph.h"

namespace etude {

/// Writes a training step as an ONNX file that Netron opens and read_onnx() reads back: operators
/// of opset 17, gradient operators of com.microsoft where one fits, else our own by name in the
/// domain "ai.etude" (SGD among them). Parameters are initializers with the values of `start`;
/// outputs are the network's output, the loss and the updated parameters. Shapes of all tensors are
/// declared, nodes of the backward pass are marked in their doc_string. Equal graphs give equal
/// bytes. Errors: UserError naming the file when it cannot be written, or a parameter without
/// values.
void write_onnx(const std::filesystem::path& file, const TrainingGraph& training,
                const StartValues& start);

}  // namespace etude
