// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/stored_tensors.h"

#include <map>

#include "workloads/graph/kind_name.h"

namespace etude::compiler {
std::vector<StoredTensor> stored_tensors(const Tape& tape, const Graph& graph) {
  std::map<std::string, TensorKind> kinds;
  for (const Tensor& tensor : graph.tensors()) {
    kinds[tensor.name] = tensor.kind;
  }
  std::vector<StoredTensor> list;
  for (const StoredObject& object : tape.objects) {
    const auto kind = kinds.find(object.name);  // a fetched copy has its tensor's name
    list.push_back({object.name,
                    kind != kinds.end() ? name_of(kind->second)
                    : object.parameter  ? name_of(TensorKind::kParameter)
                                        : "",
                    (object.bytes + Bytes{7}) / 8 * 8, object.external,
                    object.persistent && object.bytes > Bytes{}, object.address});
  }
  return list;
}

}  // namespace etude::compiler
