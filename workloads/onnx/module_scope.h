// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace onnx {
class NodeProto;
}

namespace etude::onnxio {

/// The path of the module that a node was exported from, "blocks.0.attn.q", as PyTorch's exporter
/// notes it beside the node ("pkg.torch.onnx.name_scopes"); empty where it does not.
std::string module_scope(const onnx::NodeProto& node);

}  // namespace etude::onnxio
