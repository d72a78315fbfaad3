# SPDX-License-Identifier: Apache-2.0
"""Constraints: expressions over names, checked node by node and never evaluated by Python itself."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from etude.errors import UserError

Values = Mapping[str, Any]
Evaluator = Callable[[Values], Any]

MOST_EXPONENT = 64
ALLOWED = "give names, numbers, texts, + - * / // % **, comparisons, in, and, or, not, min, max, abs, log2, sqrt"

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda value, among: value in among,
    ast.NotIn: lambda value, among: value not in among,
}
_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "log2": math.log2,
    "sqrt": math.sqrt,
}


def _power(base: Any, exponent: Any) -> Any:
    if abs(exponent) > MOST_EXPONENT:
        raise ValueError(f"an exponent of {exponent} is beyond {MOST_EXPONENT}")
    return base**exponent


_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}


def _number(value: Any) -> Any:
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return value


class Expression:
    """A condition over names: `Expression("height * width <= 256")({"height": 8, "width": 16})`.

    Errors: UserError when it is made, for what is no such expression, and when it is asked, for a division by zero or
    a comparison of a text with a number.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()
        try:
            tree = ast.parse(text.strip(), mode="eval")
            self._evaluate = self._compile(tree.body)
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            what = error.msg if isinstance(error, SyntaxError) else error
            raise UserError(f'constraints: "{text}" is no expression ({what}); {ALLOWED}') from None

    def __call__(self, values: Values) -> bool:
        try:
            return bool(self._evaluate(values))
        except (ArithmeticError, ValueError, TypeError) as error:
            used = ", ".join(f"{name} = {values[name]!r}" for name in sorted(self.names))
            raise UserError(f'constraints: "{self.text}" has no value where {used} ({error}); mend it') from None

    def _compile(self, node: ast.expr) -> Evaluator:
        if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float | str):
            value = node.value
            return lambda _: value
        if isinstance(node, ast.Name):
            name = node.id
            if name in ("true", "false"):
                return lambda _: name == "true"
            self.names.add(name)
            return lambda values: values[name]
        if isinstance(node, ast.BoolOp):
            parts = [self._compile(part) for part in node.values]
            if isinstance(node.op, ast.And):
                return lambda values: all(part(values) for part in parts)
            return lambda values: any(part(values) for part in parts)
        if isinstance(node, ast.UnaryOp):
            inner = self._compile(node.operand)
            if isinstance(node.op, ast.Not):
                return lambda values: not inner(values)
            if isinstance(node.op, ast.USub):
                return lambda values: -_number(inner(values))
        if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            apply, left, right = _ARITHMETIC[type(node.op)], self._compile(node.left), self._compile(node.right)
            return lambda values: apply(_number(left(values)), _number(right(values)))
        if isinstance(node, ast.List | ast.Tuple):
            elements = [self._compile(element) for element in node.elts]
            return lambda values: [element(values) for element in elements]
        if isinstance(node, ast.Compare):
            return self._compare(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        raise ValueError(f"`{ast.unparse(node)}` is not allowed")

    def _compare(self, node: ast.Compare) -> Evaluator:
        chain = [self._compile(part) for part in (node.left, *node.comparators)]
        for op, part in zip(node.ops, node.comparators, strict=True):
            if type(op) not in _COMPARE:
                raise ValueError(f"`{ast.unparse(node)}` is not allowed")
            if isinstance(op, ast.In | ast.NotIn) and not isinstance(part, ast.List | ast.Tuple):
                raise ValueError(f"`{ast.unparse(node)}` needs a list behind `in`")
        steps = [(_COMPARE[type(op)], type(op) in _ORDER) for op in node.ops]

        def evaluate(values: Values) -> bool:
            found = [part(values) for part in chain]
            for (compare, ordered), left, right in zip(steps, found, found[1:], strict=False):
                if ordered and isinstance(left, str) != isinstance(right, str):
                    raise TypeError(f"{left!r} and {right!r} have no order")
                if not compare(left, right):
                    return False
            return True

        return evaluate

    def _call(self, node: ast.Call) -> Evaluator:
        if not isinstance(node.func, ast.Name) or node.func.id not in _FUNCTIONS or node.keywords or not node.args:
            raise ValueError(f"`{ast.unparse(node)}` is not allowed")
        function, arguments = _FUNCTIONS[node.func.id], [self._compile(one) for one in node.args]
        if len(arguments) != 1 and node.func.id not in ("min", "max"):
            raise ValueError(f"`{ast.unparse(node)}` has not one argument")
        if len(arguments) == 1 and node.func.id in ("min", "max"):
            raise ValueError(f"`{ast.unparse(node)}` has one argument")
        return lambda values: function(*(_number(one(values)) for one in arguments))
