// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <string>

#include "models/base/error.h"
#include "workloads/onnx/onnx_export.h"
#include "workloads/ops/op_rules.h"

namespace etude::onnxio {

using Integers = std::vector<std::int64_t>;
constexpr int kOpset = 17;
constexpr const char* kMicrosoft = "com.microsoft";
constexpr const char* kOwn = "ai.etude";

/// Writes a training step as an ONNX model. The class has what all nodes share,
/// export_writers.cpp the operators whose form in ONNX is another.
class Exporter {
 public:
  Exporter(const TrainingGraph& training, const StartValues& start)
      : training_(training), graph_(training.graph), start_(start) {}

  std::string bytes() {
    model_.set_ir_version(8);
    model_.set_producer_name("etude");
    for (const auto& [domain, version] :
         {std::pair{"", kOpset}, std::pair{kMicrosoft, 1}, std::pair{kOwn, 1}}) {
      auto* import = model_.add_opset_import();
      import->set_domain(domain);
      import->set_version(version);
    }
    out().set_name(graph_.name.empty() ? "etude" : graph_.name);
    for (TensorId id = 0; id < graph_.tensors().size(); ++id) {
      declare(id);
    }
    for (NodeId n : graph_.topological_order()) {
      add(graph_.node(n));
    }
    return model_.SerializeAsString();
  }

 private:
  onnx::GraphProto& out() { return *model_.mutable_graph(); }
  const std::string& name(TensorId id) const { return graph_.tensor(id).name; }
  const Shape& shape(TensorId id) const { return graph_.tensor(id).shape; }

  void describe_value(TensorId id, onnx::ValueInfoProto* value) const {
    const Tensor& tensor = graph_.tensor(id);
    value->set_name(tensor.name);
    auto* type = value->mutable_type()->mutable_tensor_type();
    type->set_elem_type(tensor.dtype == DType::kInt32 ? onnx::TensorProto::INT64
                                                      : onnx::TensorProto::FLOAT);
    type->mutable_shape();
    for (std::uint64_t extent : tensor.shape) {
      type->mutable_shape()->add_dim()->set_dim_value(static_cast<std::int64_t>(extent));
    }
  }

  void declare(TensorId id) {
    const Tensor& tensor = graph_.tensor(id);
    const bool stored = tensor.kind == TensorKind::kParameter || tensor.kind == TensorKind::kState;
    if (tensor.kind == TensorKind::kInput) {
      describe_value(id, out().add_input());
    } else if (stored && !graph_.producer(id)) {
      if (id >= start_.size() || start_[id].size() != tensor.elements()) {
        throw UserError("parameter '" + tensor.name + "'", "has no values to write",
                        "give the values that training starts from");
      }
      const Integers extents(tensor.shape.begin(), tensor.shape.end());
      if (tensor.dtype == DType::kInt32) {
        const Integers values(start_[id].begin(), start_[id].end());
        initializer(tensor.name, extents, onnx::TensorProto::INT64,
                    {reinterpret_cast<const char*>(values.data()), 8 * values.size()});
        return;
      }
      initializer(tensor.name, extents, onnx::TensorProto::FLOAT,
                  {reinterpret_cast<const char*>(start_[id].data()), 4 * start_[id].size()});
    } else if (tensor.alias_of || id == training_.loss || id == training_.output) {
      describe_value(id, out().add_output());
    } else {
      describe_value(id, out().add_value_info());
    }
  }

  void initializer(const std::string& called, const Integers& extents, int type,
                   const std::string& raw) {
    auto* made = out().add_initializer();
    made->set_name(called);
    made->set_data_type(type);
    made->set_raw_data(raw);
    for (std::int64_t extent : extents) {
      made->add_dims(extent);
    }
  }

  /// A constant beside a node; returns its name.
  std::string constant(const std::string& called, float value) {
    initializer(called, {}, onnx::TensorProto::FLOAT, {reinterpret_cast<const char*>(&value), 4});
    return called;
  }
  std::string constant(const std::string& called, const Integers& values) {
    initializer(called, {static_cast<std::int64_t>(values.size())}, onnx::TensorProto::INT64,
                {reinterpret_cast<const char*>(values.data()), 8 * values.size()});
    return called;
  }

  onnx::NodeProto& emit(const Node& node, const std::string& op, const std::string& domain,
                        const std::vector<std::string>& inputs,
                        const std::vector<std::string>& outputs) {
    auto* made = out().add_node();
    made->set_name(node.name);
    made->set_op_type(op);
    made->set_domain(domain);
    if (node.phase != Phase::kForward) {
      made->set_doc_string(std::string("[") + name_of(node.phase) + "]");
    }
    for (const auto& input : inputs) {
      made->add_input(input);
    }
    for (const auto& output : outputs) {
      made->add_output(output);
    }
    return *made;
  }

  static void set(onnx::NodeProto& node, const std::string& key, const Attribute& value) {
    auto* made = node.add_attribute();
    made->set_name(key);
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      made->set_type(onnx::AttributeProto::INT);
      made->set_i(*integer);
    } else if (const auto* real = std::get_if<double>(&value)) {
      made->set_type(onnx::AttributeProto::FLOAT);
      made->set_f(static_cast<float>(*real));
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      made->set_type(onnx::AttributeProto::STRING);
      made->set_s(*text);
    } else {
      made->set_type(onnx::AttributeProto::INTS);
      for (std::int64_t each : std::get<Integers>(value)) {
        made->add_ints(each);
      }
    }
  }

  /// `keys`: separated by blanks.
  static void copy(onnx::NodeProto& to, const Node& from, std::string_view keys) {
    std::istringstream words{std::string(keys)};
    for (std::string key; words >> key;) {
      if (const auto found = from.attributes.find(key); found != from.attributes.end()) {
        set(to, key, found->second);
      }
    }
  }

  std::vector<std::string> names(const std::vector<TensorId>& ids) const {
    std::vector<std::string> found;
    for (TensorId id : ids) {
      found.push_back(name(id));
    }
    return found;
  }

  void plain(const Node& node, const std::string& op, const std::string& domain = "",
             std::string_view keys = "") {
    copy(emit(node, op, domain, names(node.inputs), names(node.outputs)), node, keys);
  }

  /// An operator of ours, with our name and attributes.
  void own(const Node& node);
  void gemm(const Node& node);
  void scaled(const Node& node, const std::string& x, double factor, const std::string& result);
  void softmax(const Node& node);
  void gelu(const Node& node);
  void cross_entropy_grad(const Node& node);
  /// The gradient with respect to the image is the transposed convolution.
  void conv_grad_input(const Node& node);
  void average_pool(const Node& node);
  onnx::NodeProto& with_integers(const Node& node, const std::string& key,
                                 const Integers& otherwise);
  void with_shape(const Node& node);
  void reduce_sum(const Node& node);
  void sum(const Node& node);
  void scale(const Node& node);
  void clip(const Node& node);
  /// An infinite end is left out.
  void clip_to(const Node& node, float least, float most);
  /// Clip, LeakyRelu, Abs or HardSigmoid where it is one of them.
  void piecewise(const Node& node);
  /// Elu or Selu where it is one of them.
  void elu(const Node& node);
  void power(const Node& node);
  void batch_norm(const Node& node);
  void log_softmax(const Node& node);
  /// Every axis with start, end and step.
  void slice(const Node& node);
  /// ONNX puts nothing between elements.
  void pad(const Node& node);

  using Writer = void (Exporter::*)(const Node& node);

  /// The writer of an operator of form kWritten; nullptr: it has none.
  static constexpr Writer writer_of(const OperatorNames& op) {
    const std::pair<std::string_view, Writer> writers[] = {
        {"Gemm", &Exporter::gemm},
        {"ReduceSum", &Exporter::reduce_sum},
        {"Add", &Exporter::sum},
        {"Mul", &Exporter::scale},
        {"Clip", &Exporter::clip},
        {"LeakyRelu", &Exporter::piecewise},
        {"Elu", &Exporter::elu},
        {"Pow", &Exporter::power},
        {"Gelu", &Exporter::gelu},
        {"GeluGrad", &Exporter::gelu},
        {"Expand", &Exporter::with_shape},
        {"Reshape", &Exporter::with_shape},
        {"ConvTranspose", &Exporter::conv_grad_input},
        {"AveragePool", &Exporter::average_pool},
        {"BatchNormalization", &Exporter::batch_norm},
        {"Softmax", &Exporter::softmax},
        {"SoftmaxGrad", &Exporter::softmax},
        {"SoftmaxCrossEntropyLossGrad", &Exporter::cross_entropy_grad},
        {"LogSoftmax", &Exporter::log_softmax},
        {"Slice", &Exporter::slice},
        {"Pad", &Exporter::pad}};
    for (const auto& [onnx, writer] : writers) {
      if (onnx == op.onnx) {
        return writer;
      }
    }
    return nullptr;
  }
  static constexpr bool all_written() {
    return std::ranges::all_of(kOperators, [](const OperatorNames& op) {
      return op.form != OnnxForm::kWritten || writer_of(op) != nullptr;
    });
  }

  void add(const Node& node) {
    static_assert(all_written(), "an operator of form kWritten has no writer");
    const OperatorNames& op = names_of(node.op);
    switch (op.form) {
      case OnnxForm::kOwn:
        return own(node);
      case OnnxForm::kStandard:
        return plain(node, std::string(op.onnx), "", op.onnx_attributes);
      case OnnxForm::kMicrosoft:
        return plain(node, std::string(op.onnx), kMicrosoft, op.onnx_attributes);
      case OnnxForm::kWritten:
        return (this->*writer_of(op))(node);
    }
  }

  const TrainingGraph& training_;
  const Graph& graph_;
  const StartValues& start_;
  onnx::ModelProto model_;
};

}  // namespace etude::onnxio
