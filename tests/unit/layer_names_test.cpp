// SPDX-License-Identifier: Apache-2.0
// What names of parameters, nodes and layers say, as exporters write them.
#include "workloads/training/layer_names.h"

#include <catch2/catch.hpp>
#include <utility>

namespace etude {
namespace {

TEST_CASE("a parameter's name says which layer it is of") {
  const auto [parameter, layer] = GENERATE(table<std::string, std::string>({
      {"blocks.0.attn.q.weight", "blocks.0.attn.q"},
      {"blocks.0.attn.q.bias", "blocks.0.attn.q"},
      {"layers.1.self_attn.in_proj_weight", "layers.1.self_attn.in_proj"},
      {"layers.1.self_attn.in_proj_bias", "layers.1.self_attn.in_proj"},
      {"0.weight", "0"},
      {"weight", "weight"},
      {"w1", "w1"},
      {"fc_w", "fc"},
      {"fc1.weight_transposed", "fc1.weight"},
      {"blocks.0.mixer", "blocks.0.mixer"},
      {"transpose.weight", "transpose"},
      {"model/dense/MatMul/ReadVariableOp:0", "model.dense"},
      {"model/dense_1/BiasAdd/ReadVariableOp:0", "model.dense_1"},
      {"StatefulPartitionedCall/model/conv2d/Conv2D/ReadVariableOp:0", "model.conv2d"},
      {"sequential/conv2d_2/Conv2D_weights_fused_bn", "sequential.conv2d_2"},
      {"model/dense/Tensordot/ReadVariableOp:0", "model.dense"},
      {"functional_1_1/dense_1/Cast/ReadVariableOp:0", "functional_1_1.dense_1"},
      {"model/conv1d/Conv1D/ExpandDims_1/ReadVariableOp:0", "model.conv1d"},
      {"dense/kernel:0", "dense"},
      {"MatMul/ReadVariableOp:0", "MatMul"},
  }));
  CHECK(layer_of_parameter(parameter) == layer);
}

TEST_CASE("names that exporters make up say nothing") {
  const std::string made =
      GENERATE("onnx::MatMul_123", "onnx::Conv_5", "onnx__MatMul_151", "val_12", "val", "_param_3",
               "t", "t_1", "permute_2", "transpose", "view_4", "123", "/fc/Transpose_output_0",
               "const_fold_opt__85", "new_shape__4", "arg0_1", "lifted_tensor_0", "_to_copy_1",
               "fc_output_0");
  CHECK(exporter_made(made));
  CHECK_FALSE(layer_of_parameter(made));
}

TEST_CASE("names that only look made up do not") {
  const std::string own = GENERATE("w", "W0", "t.weight", "val.0.weight", "values", "valve_1",
                                   "linear1", "linear.weight", "output_weight", "argmax", "");
  CHECK_FALSE(exporter_made(own));
}

TEST_CASE("a node's path says which module it is of") {
  const auto [node, layer] = GENERATE(table<std::string, std::string>({
      {"/blocks.0/attn/q/MatMul", "blocks.0.attn.q"},
      {"/layer1/layer1.0/conv1/Conv", "layer1.0.conv1"},
      {"/head/head.2/Gemm", "head.2"},
      {"/net/net.0/net.0.1/Conv", "net.0.1"},
      {"/encoder/layers.0/self_attn/MatMul_2", "encoder.layers.0.self_attn"},
      {"model/dense/MatMul", "model.dense"},
      {"StatefulPartitionedCall/model/dense/Tensordot/MatMul", "model.dense"},
  }));
  CHECK(layer_of_node(node) == layer);
  CHECK(layer_of_node("node_79_blocks_0_self_attn_proj_MatMul") == "blocks_0_self_attn_proj");
  CHECK_FALSE(layer_of_node("node_MatMul_35"));
  CHECK_FALSE(layer_of_node("/Gemm"));
  CHECK_FALSE(layer_of_node("/"));
}

TEST_CASE("blocks are counted in layers' names") {
  const auto [layer, block] = GENERATE(table<std::string, std::string>({
      {"blocks.0.attn.q", "blocks.0"},
      {"encoder.layers.11.linear1", "encoder.layers.11"},
      {"bert.encoder.layer.3.output.dense", "bert.encoder.layer.3"},
      {"transformer.h.2.mlp.c_fc", "transformer.h.2"},
      {"layer1.0.conv2", "layer1.0"},
      {"layer4.1.downsample.0", "layer4.1"},
      {"layer2", "layer2"},
      {"layer1.conv", "layer1"},
      {"features.4.conv.0.0", "features.4"},
      {"features.1.block.0", "features.1"},
      {"stages.1.blocks.2.mlp.fc1", "stages.1.blocks.2"},
      {"stages.1.downsample", "stages.1"},
      {"block_1_expand", "block_1"},
      {"model.conv2_block1_2_conv", "model.conv2_block1"},
      {"blocks_0_q", "blocks_0"},
      {"0.conv1", "0"},
      {"3", "3"},
      {"conv1", ""},
      {"classifier.1", ""},
      {"blocks.q", ""},
      {"layer_norm", ""},
      {"hidden.1", ""},
      {"tokenizer.conv_layers.0.0", ""},
      {"tokenizer_conv_layers_0_0", ""},
      {"classifier_blocks_0_self_attn_proj", "classifier_blocks_0"},
      {"", ""},
  }));
  CHECK(block_of_layer(layer) == block);
}

TEST_CASE("users name layers by the ends of their names, and with patterns") {
  CHECK(names_layer("q", "blocks.0.attn.q"));
  CHECK(names_layer("attn.q", "blocks.0.attn.q"));
  CHECK(names_layer("blocks.0.attn.q", "blocks.0.attn.q"));
  CHECK(names_layer("blocks.*.q", "blocks.0.attn.q"));
  CHECK(names_layer("blocks.?.attn.*", "blocks.0.attn.q"));
  CHECK(names_layer("attn.?", "blocks.0.attn.q"));
  CHECK_FALSE(names_layer("q", "blocks.0.attn.kq"));
  CHECK_FALSE(names_layer("blocks.0", "blocks.0.attn.q"));
  CHECK_FALSE(names_layer("", "q"));
  CHECK(fits_pattern("*a*b*", "xxaxbx"));
  CHECK(fits_pattern("", ""));
  CHECK_FALSE(fits_pattern("a*b", "axc"));
  // Without backtracking into every star, or this would not end.
  CHECK_FALSE(fits_pattern("*a*a*a*a*a*a*a*a*a*a*b", std::string(4000, 'a')));
}

}  // namespace
}  // namespace etude
