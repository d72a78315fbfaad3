# SPDX-License-Identifier: Apache-2.0
"""The exported models of tests/e2e/test_exports.py by name, with exporter, opset and shapes."""

import torch.nn.functional as F
from exported_models import (
    MOBILENET_FUSED,
    RESNET_FUSED,
    Arithmetic,
    AutoEncoder,
    Case,
    Conv1d,
    Dense,
    Encoder,
    Fused,
    Gains,
    Glu,
    Lambda,
    LeNet,
    Moves,
    Recurrent,
    ResNet,
    RmsNorm,
    Split,
    Tied,
    TokenEncoder,
    TokenMlp,
    Unet,
    Vit,
    Words,
    dilated,
    mlp,
    mobilenet,
    normed,
)
from torch import nn

BATCH = {0: "batch"}
ENCODER = {"batch_first": True}


def cases() -> dict[str, Case]:
    """The cases by name; exporters and opsets are spread over them."""

    def dynamo(make, shape, opset=18, **options):
        return Case(make, shape, "dynamo", opset, **options)

    image, tokens = (4, 3, 12, 12), (4, 5, 8)
    made = {
        "mlp_11": Case(lambda: mlp(7, 9, 5, 3), (4, 7), opset=11),
        "mlp_13_batch": Case(lambda: mlp(7, 9, 3), (4, 7), opset=13, dynamic=BATCH),
        "mlp_21": Case(lambda: mlp(7, 9, 3, activation=nn.Sigmoid), (4, 7), opset=21),
        "mlp_dynamo": dynamo(lambda: mlp(7, 9, 3, activation=nn.Tanh), (4, 7)),
        "mlp_dynamo_raw": dynamo(lambda: mlp(7, 9, 3), (4, 7), options={"optimize": False}),
        "tokens_11": Case(TokenMlp, (4, 5, 6), opset=11),
        "tokens_batch": Case(TokenMlp, (4, 5, 6), dynamic=BATCH),
        "tokens_dynamo": dynamo(TokenMlp, (4, 5, 6)),
        "lenet_11": Case(LeNet, (4, 1, 12, 12), opset=11),
        "lenet_relu": Case(lambda: LeNet(F.relu, F.max_pool2d, view=True), (4, 1, 12, 12), opset=14, dynamic=BATCH),
        "lenet_dynamo": dynamo(lambda: LeNet(F.relu, F.max_pool2d), (4, 1, 12, 12), 17),
        "lenet_dynamo_batch": dynamo(lambda: LeNet(view=True), (4, 1, 12, 12), 19, dynamic=BATCH),
        "resnet_fused": Case(ResNet, image, opset=13, fused=RESNET_FUSED),
        "resnet_batch": Case(ResNet, image, opset=17, dynamic=BATCH, fused=RESNET_FUSED),
        "resnet_training": Case(ResNet, image, opset=15, training=True),
        "resnet_dynamo": dynamo(ResNet, image, 18, options={"optimize": False}),
        "mobilenet_relu6": Case(lambda: mobilenet(nn.ReLU6), image, opset=14, training=True),
        "mobilenet_hardswish": Case(lambda: mobilenet(nn.Hardswish, True), image, opset=17, training=True),
        "mobilenet_silu_dynamo": dynamo(lambda: mobilenet(nn.SiLU), image, 18, fused=MOBILENET_FUSED),
        "conv1d": Case(Conv1d, (4, 2, 16), opset=13),
        "conv1d_norm": Case(lambda: Conv1d(norm=True), (4, 2, 16), opset=17, training=True),
        "conv1d_dynamo": dynamo(lambda: Conv1d(2), (4, 2, 16), dynamic=BATCH),
        "dilated": Case(dilated, (4, 2, 9, 9), opset=12),
        "dilated_dynamo": dynamo(dilated, (4, 2, 9, 9), 21),
        "autoencoder": Case(AutoEncoder, (3, 1, 8, 8), opset=16, classes=None, loss="mse"),
        "autoencoder_dynamo": dynamo(AutoEncoder, (3, 1, 8, 8), classes=None, loss="mse"),
        "encoder_post": Case(Encoder, tokens, opset=14),
        "encoder_post_gelu": Case(lambda: Encoder(activation="gelu", **ENCODER), tokens, opset=17, dynamic=BATCH),
        "encoder_pre": Case(lambda: Encoder(norm_first=True, **ENCODER), tokens, opset=16),
        "encoder_pre_gelu_two": Case(
            lambda: Encoder(2, activation="gelu", norm_first=True, **ENCODER), tokens, opset=23
        ),
        "encoder_dynamo": dynamo(lambda: Encoder(**ENCODER), tokens),
        "encoder_dynamo_gelu": dynamo(
            lambda: Encoder(2, activation="gelu", norm_first=True, **ENCODER), tokens, 20, dynamic=BATCH
        ),
        "encoder_dynamo_23": dynamo(lambda: Encoder(**ENCODER), tokens, 23),
        "gains": Case(Gains, (4, 6), opset=17),
        "gains_dynamo": dynamo(Gains, (4, 6)),
        "vit_12": Case(Vit, (3, 1, 8, 8), opset=12),
        "vit_batch": Case(lambda: Vit(bias=False), (3, 1, 8, 8), opset=17, dynamic=BATCH),
        "vit_dynamo": dynamo(Vit, (3, 1, 8, 8)),
        "vit_dynamo_batch": dynamo(lambda: Vit("sdpa", 1), (3, 1, 8, 8), 20, dynamic=BATCH),
        "tokens_encoder": Case(TokenEncoder, (4, 5, 6), opset=17),
        "tokens_encoder_axes": Case(TokenEncoder, (4, 5, 6), opset=17, dynamic={0: "batch", 1: "length"}),
        "tokens_encoder_sdpa": Case(lambda: TokenEncoder("sdpa"), (4, 5, 6), opset=14),
        "tokens_encoder_einsum": Case(lambda: TokenEncoder("einsum"), (4, 5, 6), opset=14),
        "words": Case(Words, (4, 6), opset=13, tokens=11),
        "words_dynamo": dynamo(lambda: Words(True), (4, 6), tokens=11, dynamic=BATCH),
        "tied": Case(Tied, (4, 6), opset=17),
        "groupnorm": Case(lambda: normed(nn.GroupNorm(2, 6)), (4, 2, 6, 6), opset=13),
        "groupnorm_dynamo": dynamo(lambda: normed(nn.GroupNorm(3, 6)), (4, 2, 6, 6), 18),
        "groupnorm_dynamo_21": dynamo(lambda: normed(nn.GroupNorm(2, 6)), (4, 2, 6, 6), 21),
        "instancenorm": Case(lambda: normed(nn.InstanceNorm2d(6, affine=True)), (4, 2, 6, 6), opset=14),
        "rmsnorm": Case(lambda: normed(RmsNorm(8), False), (4, 5), opset=17),
        "rmsnorm_dynamo": dynamo(lambda: normed(nn.RMSNorm(8), False), (4, 5), 23),
        "layernorm_13": Case(lambda: normed(nn.LayerNorm(8), False), (4, 5), opset=13),
        "glu": Case(Glu, (4, 6), opset=13),
        "fused_qkv": Case(Fused, (4, 5, 6), opset=17),
        "fused_qkv_dynamo": dynamo(Fused, (4, 5, 6), 22),
        "moves": Case(Moves, (4, 8), opset=13),
        "moves_dynamo": dynamo(Moves, (4, 8)),
        "dense": Case(Dense, (3, 2, 7, 7), opset=11),
        "shuffle": Case(Split, (3, 2, 6, 6), opset=17),
        "arithmetic": Case(Arithmetic, (4, 6, 5), opset=13),
        "arithmetic_dynamo": dynamo(Arithmetic, (4, 6, 5)),
        "regression": Case(lambda: mlp(6, 8, 2), (5, 6), opset=16, dynamic=BATCH, classes=None, loss="mse"),
        "regression_dynamo": dynamo(lambda: mlp(6, 8, 1, activation=nn.SiLU), (5, 6), classes=None, loss="mse"),
        "binary": Case(lambda: nn.Sequential(mlp(6, 8, 2), nn.Sigmoid()), (5, 6), classes=None, loss="bce"),
        "log_softmax": Case(lambda: nn.Sequential(mlp(6, 8, 3), nn.LogSoftmax(-1)), (5, 6), opset=13),
        "unet": Case(Unet, (3, 1, 8, 8), classes=None, loss="mse"),
        "unet_bilinear": Case(lambda: Unet("bilinear"), (3, 1, 8, 8), classes=None, loss="mse"),
        "lstm": Case(lambda: Recurrent(nn.LSTM), (4, 6, 5), opset=14),
        "gru": Case(lambda: Recurrent(nn.GRU), (4, 6, 5), opset=14),
        "rnn": Case(lambda: Recurrent(nn.RNN), (4, 6, 5), opset=14),
        "lstm_dynamo": dynamo(lambda: Recurrent(nn.LSTM), (4, 6, 5)),
    }
    zoo = {
        "silu": nn.SiLU,
        "hardswish": nn.Hardswish,
        "hardsigmoid": nn.Hardsigmoid,
        "leaky": lambda: nn.LeakyReLU(0.1),
        "elu": lambda: nn.ELU(0.7),
        "selu": nn.SELU,
        "celu": lambda: nn.CELU(1.3),
        "softplus": nn.Softplus,
        "mish": nn.Mish,
        "hardtanh": lambda: nn.Hardtanh(-0.4, 0.7),
        "relu6": nn.ReLU6,
        "prelu": nn.PReLU,
        "gelu": nn.GELU,
        "gelu_tanh": lambda: nn.GELU("tanh"),
        "softsign": nn.Softsign,
        "logsigmoid": nn.LogSigmoid,
        "clamp": lambda: Lambda(lambda x: x.clamp(min=-0.3)),
        "square_relu": lambda: Lambda(lambda x: F.relu(x) ** 2),
    }
    for i, (name, activation) in enumerate(zoo.items()):
        exporter, opset = [("legacy", 14), ("dynamo", 18), ("legacy", 18), ("dynamo", 20)][i % 4]
        made[f"act_{name}"] = Case(lambda a=activation: mlp(6, 7, 3, activation=a), (4, 6), exporter, opset)
    return made
