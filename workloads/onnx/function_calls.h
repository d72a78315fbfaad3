// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <onnx/onnx_pb.h>

#include <string>

namespace etude::onnxio {

/// Replaces the nodes that call the model's own functions (FunctionProto) by the functions' bodies,
/// also where functions call others; values inside are named after the call. Errors: UserError at
/// `where` naming the call, for functions of another opset, with subgraphs, that call themselves,
/// that exist twice, or whose bodies are more than a million nodes.
void inline_functions(onnx::ModelProto& model, const std::string& where);

}  // namespace etude::onnxio
