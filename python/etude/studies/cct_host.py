# SPDX-License-Identifier: Apache-2.0
"""CCT's forward pass on the host, in float64 if nothing else is said, to see what weights of a run are worth."""

import math

import numpy as np

Parameters = dict[str, np.ndarray]
_BATCH = 60  # images at once: some ten megabytes of activations
_erf = np.frompyfunc(math.erf, 1, 1)


def _erf_single(x: np.ndarray) -> np.ndarray:
    """erf within 1.5e-7 (M. Abramowitz, I. Stegun, Handbook of Mathematical Functions, 7.1.26)."""
    t = 1 / (1 + np.float32(0.3275911) * np.abs(x))
    series = np.zeros_like(x)
    for coefficient in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = (series + np.float32(coefficient)) * t
    return np.copysign(1 - series * np.exp(-x * x), x)


def _gelu(x: np.ndarray) -> np.ndarray:
    half = x * x.dtype.type(math.sqrt(0.5))
    erf = _erf_single(half) if x.dtype == np.float32 else np.asarray(_erf(half), np.float64)
    return x.dtype.type(0.5) * x * (1 + erf)


def _softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _framed(x: np.ndarray, value: float) -> np.ndarray:
    """Images [N,H,W,C] in a frame of one pixel."""
    return np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=value)


def _conv3x3(x: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """Images [N,H,W,C] and filters [O,C,3,3], a frame of zeros: [N,H,W,O]."""
    _, h, w, _ = x.shape
    padded = _framed(x, 0.0)
    columns = np.concatenate([padded[:, i : i + h, j : j + w] for i in range(3) for j in range(3)], -1)
    return columns @ filters.transpose(2, 3, 1, 0).reshape(-1, len(filters))


def _max_pool(x: np.ndarray) -> np.ndarray:
    """Images [N,H,W,C]: maxima of 3x3 pixels, stride 2, a frame that counts for nothing."""
    h, w = x.shape[1:3]
    padded = _framed(x, -np.inf)
    shifted = [padded[:, i : i + h : 2, j : j + w : 2] for i in range(3) for j in range(3)]
    return np.maximum.reduce(shifted)


class Cct:
    """A CCT by the parameter names of `etude describe`, with adapters where there are any."""

    def __init__(
        self, parameters: Parameters, heads: int = 2, adapter_scale: float = 1.0, dtype: type[np.floating] = np.float64
    ):
        """`adapter_scale` is alpha / rank; `dtype` float32 takes a third of the time."""
        self.dtype = dtype
        self.p = {name: value.astype(dtype) for name, value in parameters.items()}
        self.heads = heads
        self.adapter_scale = adapter_scale

    def _linear(self, x: np.ndarray, name: str) -> np.ndarray:
        y = x @ self.p[name + ".weight"]
        if name + ".bias" in self.p:
            y = y + self.p[name + ".bias"]
        if name + ".lora_a" in self.p:
            y = y + self.adapter_scale * (x @ self.p[name + ".lora_a"] @ self.p[name + ".lora_b"])
        return y

    def _norm(self, x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(-1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return centred / deviation * self.p[name + ".weight"] + self.p[name + ".bias"]

    def _attention(self, x: np.ndarray, at: str) -> np.ndarray:
        n, sequence, width = x.shape

        def split(y: np.ndarray) -> np.ndarray:
            return y.reshape(n, sequence, self.heads, -1).transpose(0, 2, 1, 3)

        q, k, v = (split(self._linear(x, at + layer)) for layer in "qkv")
        weights = _softmax(q @ k.transpose(0, 1, 3, 2) / math.sqrt(width // self.heads))
        return self._linear((weights @ v).transpose(0, 2, 1, 3).reshape(n, sequence, width), at + "proj")

    def _forward(self, x: np.ndarray) -> np.ndarray:
        x = x.transpose(0, 2, 3, 1)
        i = 0
        while f"tokenizer.{i}.weight" in self.p:
            x = _max_pool(np.maximum(_conv3x3(x, self.p[f"tokenizer.{i}.weight"]), 0))
            i += 1
        x = x.reshape(len(x), -1, x.shape[-1]) + self.p["positional_emb"]
        i = 0
        while f"blocks.{i}.q.weight" in self.p:
            at = f"blocks.{i}."
            x = self._norm(x + self._attention(self._norm(x, at + "pre_norm"), at), at + "norm1")
            hidden = self._linear(x, at + "linear1") + self.p.get(at + "gelu_bias", 0)
            x = x + self._linear(_gelu(hidden), at + "linear2")
            i += 1
        x = self._norm(x, "norm")
        weights = _softmax(self._linear(x, "attention_pool")[..., 0])
        return self._linear((weights[:, None] @ x)[:, 0], "fc")

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Images [N,C,H,W]: [N,classes]."""
        parts = [self._forward(images[i : i + _BATCH].astype(self.dtype)) for i in range(0, len(images), _BATCH)]
        return np.concatenate(parts)


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Share of samples whose largest logit is their label's."""
    return float((logits.argmax(1) == labels).mean())


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the samples of -log softmax at the label."""
    top = logits.max(1, keepdims=True)
    log_sum = np.log(np.exp(logits - top).sum(1)) + top[:, 0]
    return float((log_sum - logits[np.arange(len(labels)), labels]).mean())
