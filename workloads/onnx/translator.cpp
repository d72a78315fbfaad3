// SPDX-License-Identifier: Apache-2.0
#include "workloads/onnx/translator.h"

#include <algorithm>

#include "models/base/error.h"
#include "workloads/onnx/folding.h"
#include "workloads/onnx/input_extents.h"
#include "workloads/ops/op_rules.h"
#include "workloads/training/layers.h"
#include "workloads/training/loss.h"

namespace etude::onnxio {

namespace {

bool is_update(const RawNode& node) { return node.op == "SGD" || node.op == "Sgd"; }

}  // namespace

Translator::Translator(RawModel model, const OnnxExtents& extents) : raw_(std::move(model)) {
  made_.samples = take_extents(raw_, extents);
  made_.data_files = raw_.data_files;
}

OnnxModel Translator::run() {
  check_operators();
  check_attributes(raw_);
  take_constant_nodes(raw_);
  take_shared_weights();
  take_compared_buffers();
  order_ = sorted_nodes(raw_);
  for (const auto& [name, constant] : raw_.constants) {
    reserved_.insert(name);
  }
  for (const RawNode& node : raw_.nodes) {
    reserved_.insert(node.outputs.begin(), node.outputs.end());
    made_.updates = made_.updates || is_update(node);
  }
  graph().name = raw_.name.empty() ? "onnx" : raw_.name;
  find_phases();
  add_inputs();
  translate_all();
  finish();
  return std::move(made_);
}

void Translator::check_operators() const {
  std::string list;
  std::size_t count = 0;
  bool recurrent = false;
  for (const RawNode& node : raw_.nodes) {
    const bool constant = node.domain.empty() &&
                          (node.op == "Constant" || node.op == "If" || fold_of(node.op) != nullptr);
    if (!constant && handler_of(node.domain, node.op) == nullptr) {
      ++count;
      recurrent = recurrent || node.op == "LSTM" || node.op == "GRU" || node.op == "RNN";
      list += (list.empty() ? "" : ", ") +
              (node.domain.empty() ? node.op : node.domain + "." + node.op) + " ('" + node.name +
              "')";
    }
  }
  if (count > 0) {
    throw UserError(
        raw_.where,
        std::to_string(count) + (count == 1 ? " node has an operator" : " nodes have operators") +
            " that Etude does not support: " + list,
        recurrent ? "recurrent layers are not supported; docs/workloads.md lists what is"
                  : "docs/workloads.md lists those that it does");
  }
}

void Translator::find_phases() {
  std::map<std::string, const RawNode*> makers;
  std::vector<std::string> wanted;
  for (const RawNode& node : raw_.nodes) {
    for (const auto& output : node.outputs) {
      makers[output] = &node;
    }
    if (is_loss(node)) {
      wanted.insert(wanted.end(), node.outputs.begin(), node.outputs.end());
    }
  }
  if (!made_.updates) {
    for (const RawValue& output : raw_.outputs) {
      wanted.push_back(output.name);
    }
  }
  while (!wanted.empty()) {
    const std::string value = wanted.back();
    wanted.pop_back();
    if (forward_.insert(value).second && makers.contains(value)) {
      const auto& inputs = makers[value]->inputs;
      wanted.insert(wanted.end(), inputs.begin(), inputs.end());
    }
  }
}

void Translator::add_inputs() {
  for (const RawValue& input : raw_.inputs) {
    Tensor tensor;
    tensor.name = input.name;
    tensor.kind = TensorKind::kInput;
    const std::string where = raw_.where + ": input '" + input.name + "'";
    if (!input.type ||
        (*input.type != kFloatType && *input.type != kInt32Type && *input.type != kInt64Type)) {
      throw UserError(where,
                      input.type ? "has the type " + element_type_name(*input.type)
                                 : std::string("is no tensor"),
                      "FLOAT is supported, INT64 and INT32 for labels");
    }
    tensor.dtype = *input.type == kFloatType ? DType::kFloat32 : DType::kInt32;
    for (const auto& extent : input.shape) {
      tensor.shape.push_back(extent.value());
    }
    if (!input.shaped) {
      throw UserError(where, "has no shape", "declare the shapes of all inputs");
    }
    values_[input.name] = graph().add_tensor(std::move(tensor));
    data_.resize(graph().tensors().size(), true);
    made_.network.inputs.push_back(values_[input.name]);
    made_.declared.push_back({values_[input.name], element_type_name(*input.type), input.symbols});
  }
}

std::string Translator::type_of(const std::string& name) const {
  const auto found = std::ranges::find(raw_.inputs, name, &RawValue::name);
  return found == raw_.inputs.end() || !found->type ? "integers" : element_type_name(*found->type);
}

TensorId Translator::value(const RawNode& node, std::size_t input) {
  const TensorId found = any_value(node, input);
  if (graph().tensor(found).dtype != DType::kFloat32) {
    const std::string& name = graph().tensor(found).name;
    reject(node, "its input '" + name + "' has the type " + type_of(name),
           "FLOAT is supported, integers for labels of a loss alone");
  }
  return found;
}

TensorId Translator::labels(const RawNode& node, std::size_t input) {
  const TensorId found = any_value(node, input);
  if (graph().tensor(found).dtype != DType::kInt32) {
    reject(node, "its labels '" + graph().tensor(found).name + "' have the type FLOAT",
           "INT64 and INT32 are supported");
  }
  return found;
}

TensorId Translator::any_value(const RawNode& node, std::size_t input) {
  if (!node.has_input(input)) {
    reject(node, "input " + std::to_string(input) + " is missing", "give all its inputs");
  }
  const std::string& name = node.inputs[input];
  if (const auto found = values_.find(name); found != values_.end()) {
    return found->second;
  }
  const auto constant = raw_.constants.find(name);
  if (constant == raw_.constants.end()) {
    reject(node, "its input '" + name + "' is an output that is not supported",
           "use the first output of that node");
  }
  if (constant->second.integers) {
    reject(node,
           "its input '" + name + "' is a constant of the type " +
               element_type_name(constant->second.type),
           "FLOAT is supported");
  }
  Tensor tensor;
  tensor.name = name;
  tensor.kind = TensorKind::kParameter;
  tensor.shape = constant->second.shape;
  tensor.constant = constant->second.constant_node || fills_norm(node, input, constant->second);
  tensor.trainable = !made_.updates && !tensor.constant;
  const TensorId id = graph().add_tensor(std::move(tensor));
  data_.resize(id + 1, false);
  made_.start.resize(id + 1);
  made_.start[id] = constant->second.reals;
  return values_[name] = id;
}

const RawTensor* Translator::constant(const RawNode& node, std::size_t input) const {
  const auto found =
      node.has_input(input) ? raw_.constants.find(node.inputs[input]) : raw_.constants.end();
  return found == raw_.constants.end() ? nullptr : &found->second;
}

std::optional<std::vector<std::int64_t>> Translator::integers(const RawNode& node,
                                                              const std::string& key,
                                                              std::size_t input) const {
  if (!node.has_input(input)) {
    return node.integers(key);
  }
  if (node.attributes.contains(key)) {
    reject(node, "has " + key + " as attribute and as input", "give one of them");
  }
  const RawTensor* found = constant(node, input);
  if (found == nullptr) {
    reject(node, "its input '" + node.inputs[input] + "' is computed by the graph",
           "it must be a constant of integers");
  }
  if (found->type != kInt64Type && found->type != kInt32Type) {
    reject(node,
           "its input '" + node.inputs[input] + "' has the type " + element_type_name(found->type),
           "INT64 is wanted");
  }
  return found->values;
}

Phase Translator::phase_of(const RawNode& node) const {
  if (is_update(node)) {
    return Phase::kUpdate;
  }
  return std::ranges::any_of(node.outputs, [&](const auto& o) { return forward_.contains(o); })
             ? Phase::kForward
             : Phase::kBackward;
}

std::string Translator::fresh(const std::string& wanted) {
  std::string name = wanted;
  for (int i = 1; reserved_.contains(name) || graph().find(name); ++i) {
    name = wanted + "." + std::to_string(i);
  }
  return name;
}

NodeId Translator::add_many(const RawNode& node, OpType type, std::vector<TensorId> inputs,
                            Attributes attributes,
                            std::vector<std::pair<std::string, TensorKind>> outputs) {
  std::vector<bool> named;
  for (auto& [name, kind] : outputs) {
    named.push_back(!name.empty() && reserved_.contains(name));
    if (name.empty()) {
      name = fresh(node.name + ".unused");
      reserved_.insert(name);
    }
  }
  const bool data =
      prepares(type) && std::ranges::all_of(inputs, [&](TensorId input) {
        return graph().tensor(input).constant || (input < data_.size() && data_[input]);
      });
  const NodeId id = graph().add(
      Node{node.name, type, phase_of(node), std::move(inputs), {}, std::move(attributes)}, outputs);
  data_.resize(graph().tensors().size(), data);
  scopes_.resize(id + 1);
  scopes_[id] = node.scope;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (named[i]) {
      values_[outputs[i].first] = graph().node(id).outputs[i];
    }
  }
  return id;
}

TensorId Translator::add(const RawNode& node, OpType type, std::vector<TensorId> inputs,
                         Attributes attributes, const std::string& output) {
  const TensorKind kind =
      phase_of(node) == Phase::kForward ? TensorKind::kActivation : TensorKind::kGradient;
  const NodeId id =
      add_many(node, type, std::move(inputs), std::move(attributes), {{output, kind}});
  return graph().node(id).outputs[0];
}

TensorId Translator::add_between(const RawNode& node, OpType type, std::vector<TensorId> inputs,
                                 Attributes attributes, const std::string& suffix) {
  RawNode step = node;  // of a name of its own, as what the gradient makes of it
  step.name += suffix;
  const TensorKind kind =
      phase_of(node) == Phase::kForward ? TensorKind::kActivation : TensorKind::kGradient;
  const std::string output = fresh(step.name);
  const NodeId id =
      add_many(step, type, std::move(inputs), std::move(attributes), {{output, kind}});
  return graph().node(id).outputs[0];
}

void Translator::add_moving_statistics(const RawNode& node, const std::vector<TensorId>& inputs,
                                       const Attributes& attributes) {
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    if (graph().tensor(inputs[i]).kind != TensorKind::kParameter || inputs[1] == inputs[2] ||
        !moved_.insert(inputs[i]).second) {
      reject(node,
             "its statistics '" + graph().tensor(inputs[i]).name +
                 "' are no initializer, or are moved twice",
             "give every normalisation statistics of its own");
    }
  }
  const NodeId id = add_many(node, OpType::kBatchNormStatistics, inputs, attributes,
                             {{node.has_output(1) ? node.outputs[1] : "", TensorKind::kParameter},
                              {node.has_output(2) ? node.outputs[2] : "", TensorKind::kParameter}});
  for (std::size_t i = 0; i < 2; ++i) {
    graph().tensor(graph().node(id).outputs[i]).alias_of = inputs[i + 1];
  }
}

void Translator::add_update(const RawNode& node, TensorId weight, TensorId gradient) {
  if (graph().tensor(weight).kind != TensorKind::kParameter || graph().tensor(weight).alias_of ||
      graph().tensor(weight).trainable) {
    reject(node, "'" + graph().tensor(weight).name + "' is no initializer, or is updated twice",
           "every SGD node updates an initializer of its own");
  }
  const NodeId id = add_many(node, OpType::kSgd, {weight, gradient}, {{"lr", node.real("lr", 0.0)}},
                             {{node.outputs.at(0), TensorKind::kParameter}});
  graph().tensor(graph().node(id).outputs[0]).alias_of = weight;
  graph().tensor(weight).trainable = true;
  made_.gradients[weight] = gradient;
}

bool Translator::read_as_log_prob(const std::string& name) const {
  return std::ranges::any_of(raw_.nodes, [&](const RawNode& node) {
    return node.op == "SoftmaxCrossEntropyLossGrad" && std::ranges::count(node.inputs, name) > 0;
  });
}

void Translator::reject(const RawNode& node, const std::string& what,
                        const std::string& allowed) const {
  throw UserError(raw_.where + ": " + node.label(), what, allowed);
}

void Translator::check_sizes() {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 28;
  for (const Tensor& tensor : graph().tensors()) {
    std::uint64_t elements = 1;
    for (std::uint64_t extent : tensor.shape) {
      elements = extent > kMost ? kMost + 1 : std::min(elements * extent, kMost + 1);
    }
    if (elements > kMost) {
      throw UserError(raw_.where + ": value '" + tensor.name + "'",
                      "has shape " + to_string(tensor.shape),
                      "at most 2^28 elements are supported");
    }
  }
}

void Translator::finish() {
  check_sizes();
  for (const RawValue& output : raw_.outputs) {
    const auto found = values_.find(output.name);
    if (found == values_.end()) {
      const bool constant = raw_.constants.contains(output.name);
      throw UserError(
          raw_.where + ": output '" + output.name + "'",
          constant ? "is a constant" : "is not computed",
          constant ? "outputs depend on the inputs" : "only first outputs of nodes are supported");
    }
    if (output.type.value_or(kFloatType) != kFloatType && output.type != kUndefinedType) {
      throw UserError(raw_.where + ": output '" + output.name + "'",
                      "has the type " + element_type_name(*output.type), "FLOAT is supported");
    }
    const Shape& inferred = shape(found->second);
    bool same = !output.shaped || output.shape.size() == inferred.size();
    for (std::size_t i = 0; same && i < output.shape.size(); ++i) {
      same = !output.shape[i] || *output.shape[i] == inferred[i];
    }
    if (!same) {
      throw UserError(raw_.where + ": output '" + output.name + "'",
                      "is declared with another shape than its nodes give, " + to_string(inferred),
                      "they must agree");
    }
    made_.outputs.push_back(found->second);
  }
  made_.start.resize(graph().tensors().size());
  const std::optional<TensorId> logits = find_loss();
  if (made_.updates && !logits) {
    throw UserError(raw_.where, "has SGD nodes and no loss",
                    "a training graph has one SoftmaxCrossEntropyLoss");
  }
  if (!logits && made_.outputs.empty()) {
    throw UserError(raw_.where, "has no outputs", "declare the outputs of the graph");
  }
  made_.network.output = logits.value_or(made_.outputs.empty() ? 0 : made_.outputs[0]);
  graph().validate();
  if (!made_.updates) {
    find_blocks(made_.network, scopes_);
  }
}

Handler handler_of(const std::string& domain, const std::string& op) {
  if (domain == "ai.etude") {
    return own_handler_of(op);
  }
  if (!domain.empty() && domain != "com.microsoft") {
    return nullptr;
  }
  if (domain == "com.microsoft") {  // others of its names are other operators
    for (const auto find :
         {network_handler_of, norm_handler_of, gradient_handler_of, plain_handler_of}) {
      if (const Handler found = find(op)) {
        return found;
      }
    }
    return nullptr;
  }
  for (const auto find :
       {shape_handler_of, choice_handler_of, network_handler_of, window_handler_of,
        function_handler_of, move_handler_of, norm_handler_of, reduce_handler_of,
        attention_handler_of, gradient_handler_of, plain_handler_of}) {
    if (const Handler found = find(op)) {
      return found;
    }
  }
  return nullptr;
}

}  // namespace etude::onnxio

namespace etude {

OnnxModel read_onnx(const std::filesystem::path& file, const OnnxExtents& extents) {
  return onnxio::Translator(onnxio::read_raw_model(file), extents).run();
}

TrainingGraph make_training_graph(OnnxModel model, double lr) {
  const auto& tensors = model.network.graph.tensors();
  const bool has_loss = std::ranges::any_of(
      tensors, [](const Tensor& tensor) { return tensor.kind == TensorKind::kLoss; });
  if (!model.updates) {
    if (!has_loss) {
      add_loss(model.network, LossKind::kCrossEntropy);
    }
    return make_training_graph(std::move(model.network), lr);
  }
  TrainingGraph training;
  training.graph = std::move(model.network.graph);
  training.inputs = std::move(model.network.inputs);
  training.output = model.network.output;
  training.loss = training.graph.loss();
  training.gradients = std::move(model.gradients);
  return training;
}

}  // namespace etude
