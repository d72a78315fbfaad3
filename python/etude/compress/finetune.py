# SPDX-License-Identifier: Apache-2.0
"""Training that knows how weights are stored: quantisation-aware with straight-through gradients, zeros kept.

Needs PyTorch. One thread and one seed: a machine gives the same digits each time.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from etude.compress.digits import training_digits
from etude.compress.forms import Arrays, Form, matrices, pruned, scale_per_row
from etude.errors import UserError

BATCH = 32
RATE = 1e-3
TEMPERATURE = 2.0  # of a teacher's answer
LARGEST = {"int8": 127, "int4": 7, "int3": 3}
SHIFT, TURN = 3, 10.0  # pixels and degrees that training digits are moved by


def need_torch() -> Any:
    """PyTorch. Errors: UserError where it is absent."""
    try:
        import torch
    except ImportError:
        raise UserError(
            "--finetune: needs PyTorch, which is not installed; pip install torch, or leave it out"
        ) from None
    return torch


def _stored(torch: Any, weight: Any, form: Form, per_row: bool) -> Any:
    """`weight` as it is stored and decoded, with the gradient of `weight` itself."""
    if form.number == "fp16":
        rounded = weight.half().float()
    else:
        flat = (
            weight.detach().reshape(weight.shape[0], -1) if per_row else weight.detach().reshape(-1, weight.shape[-1])
        )
        scale = flat.abs().amax(1 if per_row else 0, keepdim=True) / LARGEST[form.number]
        numbers = torch.round(flat / torch.where(scale == 0, torch.ones_like(scale), scale))
        rounded = (numbers * scale).reshape(weight.shape)
    return weight + (rounded - weight).detach()


def _moved(torch: Any, images: Any, generator: Any) -> Any:
    """Images [N,1,32,32], a batch moved and turned a little."""
    from etude.compress.cct_torch import turn

    shift = torch.randint(-SHIFT, SHIFT + 1, (2,), generator=generator).tolist()
    angle = 2 * TURN * (torch.rand(1, generator=generator).item() - 0.5)
    return turn(torch.roll(images, shift, (2, 3)), angle)


def finetune(
    start: Arrays, form: Form, epochs: int, teacher: Arrays | None, seed: int, told: Callable[[int, int], None]
) -> Arrays:
    """Parameters of cct2 after so many epochs on its training digits, for weights that are stored in `form`.

    Zeros of pruning stay. A `teacher`'s answers count as much as labels. `told`: batches that are over, and all.
    """
    torch = need_torch()
    from etude.compress.cct_torch import forward

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    parameters = {name: torch.tensor(value).requires_grad_() for name, value in pruned(start, form).items()}
    packed = matrices(start)
    per_row = {name: scale_per_row(start[name]) for name in packed}
    masks = {name: (parameters[name].detach() != 0).float() for name in packed} if form.sparsity else {}
    answers = {name: torch.tensor(value) for name, value in teacher.items()} if teacher else None
    large, digits = training_digits()
    images = torch.tensor(large, dtype=torch.float32)[:, None]
    labels = torch.tensor(digits)
    optimizer = torch.optim.AdamW(parameters.values(), lr=RATE, weight_decay=0.01)
    batches = len(images) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=epochs * batches)
    cross_entropy = torch.nn.functional.cross_entropy
    for epoch in range(epochs):
        order = torch.randperm(len(images), generator=generator)[: batches * BATCH]
        for number, batch in enumerate(order.split(BATCH)):
            x = _moved(torch, images[batch], generator).expand(-1, 3, -1, -1)
            kept = {name: parameters[name] * masks[name] if name in masks else parameters[name] for name in packed}
            stored = {name: _stored(torch, kept[name], form, per_row[name]) for name in packed}
            logits = forward({**parameters, **stored}, x)
            loss = cross_entropy(logits, labels[batch])
            if answers is not None:
                with torch.no_grad():
                    wanted = torch.softmax(forward(answers, x) / TEMPERATURE, 1)
                loss = (loss + TEMPERATURE**2 * cross_entropy(logits / TEMPERATURE, wanted)) / 2
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            told(epoch * batches + number + 1, epochs * batches)
    trained = {name: value.detach().numpy() for name, value in parameters.items()}
    if not all(np.isfinite(value).all() for value in trained.values()):
        raise UserError("--finetune: training diverged; give fewer epochs, less sparsity or more bits")
    return {name: value * masks[name].numpy() if name in masks else value for name, value in trained.items()}
