"""The condition of an alert: an expression over metrics, such as ``rate(redis_evicted_keys_total, 60) > 100``.

It is written in Python's syntax, and means what it means in Prometheus's language, into which it can be translated:

    name                    the last value of a metric
    rate(name, seconds)     how much a counter grows per second
    delta(name, seconds)    how much a gauge has grown
    age(name)               how many seconds ago the time was that a metric tells
    + - * /                 arithmetic
    < <= > >=               the left side, if it compares so; otherwise nothing
    and                     the left side, if both sides are something

Nothing comes of an expression if a metric does not exist, or if a window has fewer than two readings. Divided by zero,
a number is infinite, and zero is no number, which compares with nothing.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Final

from pyredmem.alerts.history import History


def _divided(left: float, right: float) -> float:
    if right != 0:
        return left / right
    return math.copysign(math.inf, left) if left else math.nan


class ExpressionError(Exception):
    """An expression that has no meaning; the text says why."""


_ARITHMETIC: Final[dict[type[ast.operator], tuple[str, Callable[[float, float], float]]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", _divided),
}
_COMPARISONS: Final[dict[type[ast.cmpop], tuple[str, Callable[[float, float], bool]]]] = {
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
}
_WINDOWED: Final = ("rate", "delta")
_AGE: Final = "age"


class Expression:
    """A condition that has been read. Raises ExpressionError."""

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self._root = ast.parse(text, mode="eval").body
        except SyntaxError as error:
            raise ExpressionError(f"{error.msg} in {text!r}") from None
        self._metrics: list[str] = []
        self.longest_window_s = 0.0
        self._check(self._root)

    def metrics(self) -> list[str]:
        """The names of the metrics in it, each once."""
        return list(dict.fromkeys(self._metrics))

    def value(self, history: History) -> float | None:
        """What the expression comes to now; None if that is nothing."""
        return _value(self._root, history)

    def promql(self, selector: str = "") -> str:
        """The same for Prometheus; a selector, ``{instance="a:1"}``, follows each metric."""
        return _promql(self._root, selector)

    def sides(self, selector: str = "") -> list[str]:
        """Both sides of the first comparison, for Prometheus; or the whole, if nothing is compared."""
        node = self._root
        while isinstance(node, ast.BoolOp):
            node = node.values[0]
        parts = [node.left, *node.comparators] if isinstance(node, ast.Compare) else [node]
        return [_promql(part, selector) for part in parts]

    def _check(self, node: ast.expr) -> None:
        if isinstance(node, ast.Name):
            self._metrics.append(node.id)
        elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            self._check(node.left)
            self._check(node.right)
        elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS:
            self._check(node.left)
            self._check(node.comparators[0])
        elif isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
            for part in node.values:
                self._check(part)
        elif isinstance(node, ast.Call):
            self._check_call(node)
        elif _number(node) is None:
            raise ExpressionError(f"{ast.unparse(node)!r} is not possible in {self.text!r}")

    def _check_call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        wanted = {"rate": 2, "delta": 2, _AGE: 1}.get(name)
        if wanted is None or len(node.args) != wanted or node.keywords or not isinstance(node.args[0], ast.Name):
            raise ExpressionError(f"{ast.unparse(node)!r} is not possible in {self.text!r}")
        self._metrics.append(node.args[0].id)
        if name in _WINDOWED:
            window_s = _number(node.args[1])
            if window_s is None or window_s <= 0:
                raise ExpressionError(f"the window of {ast.unparse(node)!r} must be a number of seconds")
            self.longest_window_s = max(self.longest_window_s, window_s)


def _number(node: ast.expr) -> float | None:
    """The number that stands there; None if something else does."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return float(node.value)
    return None


def _window_s(node: ast.Call) -> float:
    window_s = _number(node.args[1])
    assert window_s is not None
    return window_s


def _value(node: ast.expr, history: History) -> float | None:
    if isinstance(node, ast.Constant):
        return _number(node)
    if isinstance(node, ast.Name):
        return history.last(node.id)
    if isinstance(node, ast.Call):
        return _called(node, history)
    if isinstance(node, ast.BoolOp):
        found = [_value(part, history) for part in node.values]
        return None if None in found else found[0]
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left, history), _value(node.right, history)
        if left is None or right is None:
            return None
        return _ARITHMETIC[type(node.op)][1](left, right)
    assert isinstance(node, ast.Compare)
    left, right = _value(node.left, history), _value(node.comparators[0], history)
    if left is None or right is None or not _COMPARISONS[type(node.ops[0])][1](left, right):
        return None
    return left


def _called(node: ast.Call, history: History) -> float | None:
    assert isinstance(node.func, ast.Name)
    assert isinstance(node.args[0], ast.Name)
    metric = node.args[0].id
    if node.func.id == _AGE:
        moment = history.last(metric)
        return None if moment is None else history.now_s() - moment
    window_s = _window_s(node)
    return history.rate(metric, window_s) if node.func.id == "rate" else history.delta(metric, window_s)


def _promql(node: ast.expr, selector: str) -> str:
    if isinstance(node, ast.Constant):
        return repr(node.value)
    if isinstance(node, ast.Name):
        return node.id + selector
    if isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        metric = ast.unparse(node.args[0]) + selector
        if node.func.id == _AGE:
            return f"(time() - {metric})"
        return f"{node.func.id}({metric}[{_window_s(node):g}s])"
    if isinstance(node, ast.BoolOp):
        return " and ".join([_inner(part, selector) for part in node.values])
    if isinstance(node, ast.BinOp):
        left, right = _inner(node.left, selector), _inner(node.right, selector)
        return f"{left} {_ARITHMETIC[type(node.op)][0]} {right}"
    assert isinstance(node, ast.Compare)
    left, right = _inner(node.left, selector), _inner(node.comparators[0], selector)
    return f"{left} {_COMPARISONS[type(node.ops[0])][0]} {right}"


def _inner(node: ast.expr, selector: str) -> str:
    """A part of an expression, in parentheses if it is composed."""
    text = _promql(node, selector)
    return f"({text})" if isinstance(node, ast.BinOp | ast.Compare | ast.BoolOp) else text
