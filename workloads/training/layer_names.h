// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace etude {

/// Whether an exporter made the name up, as PyTorch's "onnx::MatMul_123", "val_12", "t_1",
/// "/fc/Transpose_output_0" or tf2onnx's "const_fold_opt__85".
bool exporter_made(const std::string& name);

/// The layer that a parameter's name speaks of: "blocks.0.attn.q" of "blocks.0.attn.q.weight",
/// "attn.in_proj" of "attn.in_proj_bias", "model.dense" of "model/dense/MatMul/ReadVariableOp:0"
/// (TensorFlow's paths become dots; its runtime's words and its operator's name go). The name
/// itself where nothing else is left; nothing for one that an exporter made.
std::optional<std::string> layer_of_parameter(const std::string& name);

/// The layer that a node's name speaks of: "blocks.0.attn.q" of "/blocks.0/attn/q/MatMul",
/// "layer1.0.conv" of "/layer1/layer1.0/conv/Conv". Nothing where the name has no path.
std::optional<std::string> layer_of_node(const std::string& name);

/// The block that a layer is in: the leftmost part of its name that counts blocks, with what
/// stands before it. "encoder.layers.3" of "encoder.layers.3.linear1", "layer1.0" of
/// "layer1.0.conv2"; empty where there is none.
std::string block_of_layer(const std::string& layer);

/// Whether a name fits a pattern of characters, * (any, also none) and ? (one).
bool fits_pattern(const std::string& pattern, const std::string& name);

/// Whether what a user wrote names the layer: all of its name or the end of it behind a dot, with
/// * and ? for other characters.
bool names_layer(const std::string& written, const std::string& layer);

}  // namespace etude
