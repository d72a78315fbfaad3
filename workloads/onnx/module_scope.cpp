// SPDX-License-Identifier: Apache-2.0
#include "workloads/onnx/module_scope.h"

#include <onnx/onnx_pb.h>

#include <algorithm>

namespace etude::onnxio {

namespace {

/// NodeProto.metadata_props of onnx.proto since ONNX 1.16; older headers do not know it.
constexpr int kMetadataProps = 9;

/// "head.0" of the list "['', 'head', 'head.0', 'linear_6']", whose last name is the node's own.
std::string innermost(const std::string& list) {
  std::string last;
  std::string before;
  std::size_t at = list.find('\'');
  while (at != std::string::npos) {
    const std::size_t end = list.find('\'', at + 1);
    before = std::move(last);
    last = list.substr(at + 1, end == std::string::npos ? end : end - at - 1);
    at = end == std::string::npos ? end : list.find('\'', end + 1);
  }
  return before;
}

}  // namespace

std::string module_scope(const onnx::NodeProto& node) {
  const auto& unknown = node.unknown_fields();
  for (int i = 0; i < unknown.field_count(); ++i) {
    const auto& field = unknown.field(i);
    if (field.number() != kMetadataProps ||
        field.type() != google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
      continue;
    }
    onnx::StringStringEntryProto entry;
    if (entry.ParseFromString(field.length_delimited()) &&
        entry.key() == "pkg.torch.onnx.name_scopes") {
      return innermost(entry.value());
    }
  }
  return "";
}

}  // namespace etude::onnxio
