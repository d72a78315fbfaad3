// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>

#include "workloads/onnx/onnx_import.h"
#include "workloads/onnx/patterns.h"
#include "workloads/onnx/raw_model.h"

namespace etude::onnxio {

/// Turns the nodes of an ONNX file into nodes of our graph, one by one in sorted order.
class Translator {
 public:
  explicit Translator(RawModel model, const OnnxExtents& extents = {});

  OnnxModel run();

  /// What the operator handlers use.
  const RawModel& raw() const { return raw_; }
  Graph& graph() { return made_.network.graph; }
  /// The tensor of a value; a constant becomes a parameter the first time. Errors: UserError for
  /// one that is missing or of integers.
  TensorId value(const RawNode& node, std::size_t input);
  /// value() of an operand of elementwise arithmetic, where an initializer may be a constant of the
  /// graph and no weight: a single number, or what the data meet before any layer (mean,
  /// deviation).
  TensorId operand(const RawNode& node, std::size_t input);
  /// value() of a weight or bias, which an initializer is wherever else it is read.
  TensorId weight(const RawNode& node, std::size_t input);
  /// The tensor of integers that are labels. Errors: UserError for another one.
  TensorId labels(const RawNode& node, std::size_t input);
  /// value() of either type, for what only moves it. Errors: UserError for one that is missing and
  /// for constants of integers.
  TensorId data(const RawNode& node, std::size_t input) { return any_value(node, input); }
  /// The tensor of integers that are indices; a constant becomes one of the graph. Errors:
  /// UserError for another one.
  TensorId indices(const RawNode& node, std::size_t input);
  /// A constant of the graph that the file does not have, named after the node.
  TensorId add_constant(const RawNode& node, const std::string& suffix, Shape shape,
                        std::vector<float> values, DType type = DType::kFloat32);
  const Shape& shape(TensorId id) { return graph().tensor(id).shape; }
  /// The number that an input is, if it is a constant of one element that does not train.
  std::optional<double> scalar(const RawNode& node, std::size_t input) const;
  /// The constant that an input is, if it is one.
  const RawTensor* constant(const RawNode& node, std::size_t input) const;
  /// Integers given as attribute `key` or as constant input number `input`; nothing if both are
  /// absent. Errors: UserError when the input is not constant.
  std::optional<std::vector<std::int64_t>> integers(const RawNode& node, const std::string& key,
                                                    std::size_t input) const;
  /// Adds a node of our graph whose first output is the value `output` of the file.
  TensorId add(const RawNode& node, OpType type, std::vector<TensorId> inputs,
               Attributes attributes, const std::string& output);
  /// Adds a node on the way; its output has a name of its own.
  TensorId add_between(const RawNode& node, OpType type, std::vector<TensorId> inputs,
                       Attributes attributes, const std::string& suffix);
  /// Adds a node with several outputs, empty names become names of their own.
  NodeId add_many(const RawNode& node, OpType type, std::vector<TensorId> inputs,
                  Attributes attributes, std::vector<std::pair<std::string, TensorKind>> outputs);
  /// Mean and variance (inputs 1 and 2) that move towards those of a batch (input 0).
  void add_moving_statistics(const RawNode& node, const std::vector<TensorId>& inputs,
                             const Attributes& attributes);
  void add_update(const RawNode& node, TensorId weight, TensorId gradient);
  /// Takes the input of a LogSoftmax for its result where only losses of classes read that, or it
  /// is the last operator: they compute it again. False elsewhere.
  bool add_logits(const RawNode& node);
  /// Whether the value is the log-probabilities of the last axis, or the logits that stand for
  /// them.
  bool is_log_softmax(const std::string& name) const;
  /// value() of a weight that an exporter wrote once for each of `samples`: where its first extent
  /// is that and all samples are equal, they are one, which broadcasts.
  TensorId weight_of_samples(const RawNode& node, std::size_t input, std::uint64_t samples);
  /// Whether softmaxes alone read the node's result.
  bool softmax_reads(const RawNode& node) const;
  /// Puts the lowest number for minus infinity in rows that have others: behind a softmax both are
  /// 0, and finite numbers can be checked.
  static void soften(std::vector<float>& values, const Shape& shape);
  /// Takes a constant that is added before a softmax, and is a mask by its numbers, for one that is
  /// not trained; false if it is none.
  bool take_mask(const RawNode& node, std::size_t input);
  /// Takes the node's input for its result: a Dropout that a file left in training.
  void note_dropout() { ++made_.dropouts; }
  /// Whether a SoftmaxCrossEntropyLossGrad reads the value as its log-probabilities.
  bool read_as_log_prob(const std::string& name) const;
  [[noreturn]] void reject(const RawNode& node, const std::string& what,
                           const std::string& allowed) const;

 private:
  void check_operators() const;
  void take_shared_weights();
  /// Takes initializers that comparisons alone read, also of parts of them, for constants.
  void take_compared_buffers();
  void translate_all();
  /// Computes the node if it is of constants alone, else calls its operator's handler.
  void translate(std::size_t n);
  /// Translates the branch of an If that its constant condition takes.
  void take_branch(RawNode node);
  bool fold(const RawNode& node);
  /// What the node reads, if all of that is constant and no weight.
  std::optional<std::vector<const RawTensor*>> constants_of(const RawNode& node);
  /// Translates the nodes of a pattern: as one operator if they are it, else one by one.
  void fuse(const Pattern& pattern);
  bool fuse_layer_norm(const Pattern& pattern);
  bool fuse_gelu(const Pattern& pattern);
  bool fuse_softmax(const Pattern& pattern);
  /// Whether all reductions of a pattern keep dimensions and go over the last axis of x.
  bool over_last_axis(const Pattern& pattern);
  /// Whether a value is an output, or what losses alone read.
  bool ends_in_loss(const std::string& name) const;
  void find_phases();
  void add_inputs();
  void check_sizes();
  void finish();
  Phase phase_of(const RawNode& node) const;
  /// Whether an initializer of one number is a parameter of a PyTorch module, by its name.
  bool is_named_number(const std::string& name) const;
  enum class Role { kWeight, kScalar, kPreprocessing };
  Role role_of(const RawNode& node, std::size_t input, const Tensor& tensor);
  /// The logits of the file's loss node, if it has one.
  std::optional<TensorId> find_loss();
  TensorId any_value(const RawNode& node, std::size_t input);
  /// The type of an input of the graph in the file's words; "integers" of others.
  std::string type_of(const std::string& name) const;
  std::string fresh(const std::string& wanted);

  RawModel raw_;
  std::vector<std::size_t> order_;
  std::set<std::string> forward_;  ///< values that a loss (or an output of inference) depends on
  std::map<std::string, TensorId> values_;
  std::set<std::string> reserved_;                   ///< names of the file
  std::map<std::string, std::string> weight_names_;  ///< other names of weights
  std::set<TensorId> moved_;                         ///< statistics that a step moves
  std::vector<bool> data_;                           ///< tensors that depend on no parameter
  std::set<std::string> logits_;                     ///< values that stand for their LogSoftmax
  std::int64_t folded_ = 0;                          ///< elements of constants that were computed
  OnnxModel made_;

  std::vector<std::string> scopes_;  ///< of nodes of the graph: RawNode::scope
};

/// A node after which a pattern that was recognised is translated: the operator with x and more
/// operands, by the name and with the result of `last`.
RawNode fused_node(const RawNode& last, const std::string& op, std::vector<std::string> inputs);

/// Whether an exporter made a scale of ones or a bias of zeros up, because the normalisation of a
/// module that has none, or applies them later, wants both: a constant, no weight.
bool fills_norm(const RawNode& node, std::size_t input, const RawTensor& held);

/// Whether an operator may be what prepares data for a network: a product, a normalisation or a
/// softmax of data is a layer.
bool prepares(OpType type);

/// Whether a node is a loss.
bool is_loss(const RawNode& node);

/// Translates one node.
using Handler = void (*)(Translator& to, const RawNode& node);
/// The handler of an operator; nullptr: it is not supported.
Handler handler_of(const std::string& domain, const std::string& op);
Handler shape_handler_of(const std::string& op);
Handler choice_handler_of(const std::string& op);
Handler network_handler_of(const std::string& op);
Handler window_handler_of(const std::string& op);
Handler function_handler_of(const std::string& op);
/// Translates a Where that is the choice of a softplus, as PyTorch has it; false if it is none.
bool add_softplus(Translator& to, const RawNode& node);
/// "none", "tanh" or "sigmoid" of a node of the Gelu family. Errors: UserError for another one.
std::string gelu_form(Translator& to, const RawNode& node);
Handler gradient_handler_of(const std::string& op);
Handler own_handler_of(const std::string& op);
/// Of operators that move or pick elements, and of normalisations and softmax over any axes.
Handler move_handler_of(const std::string& op);
Handler reduce_handler_of(const std::string& op);
/// The attributes of a Piecewise that gives the magnitude.
const Attributes& absolute();
Handler attention_handler_of(const std::string& op);
Handler norm_handler_of(const std::string& op);
Handler einsum_handler_of(const std::string& op);
/// A NegativeLogLikelihoodLoss of log-probabilities that no LogSoftmax made.
void likelihood_of_any(Translator& to, const RawNode& node);
/// Of an operator that ONNX holds as we do, without attributes.
Handler plain_handler_of(const std::string& op);

}  // namespace etude::onnxio
