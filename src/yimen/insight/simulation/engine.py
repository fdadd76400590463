"""
The loop compiled where numba is installed (`pip install "yimen[fast]"`), as it stands where it is not.

Both give the same bits: the compiled functions are made from a second copy of the same module. Compiling takes some
seconds once a machine; the result is kept beside the code, or in the user's cache.
"""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Iterable
from itertools import islice
from math import isfinite
from operator import le
from types import ModuleType
from typing import Any

from yimen.insight.simulation import loop

# The order in which they use each other.
_NAMES = ("push", "pop", "insert", "remove_head", "works", "ran", "pick", "simulate", "draw", "sample_runs")
_lock = threading.Lock()
_compiled: ModuleType | None = None


def is_available() -> bool:
    """Whether the compiled loop can be had; YIMEN_COMPILED=0 says no."""
    return os.environ.get("YIMEN_COMPILED", "1") != "0" and importlib.util.find_spec("numba") is not None


def is_ready() -> bool:
    """Whether the compiled loop can be used at once, without compiling first."""
    return _compiled is not None


def compiled() -> ModuleType:
    """Return the compiled loop, made now if need be. Raises ImportError without numba."""
    global _compiled
    with _lock:
        if _compiled is None:
            _compiled = _compile()
    return _compiled


def warm_up() -> None:
    """Have the compiled loop made in a thread of its own; does nothing without numba, or the second time."""
    global _warming
    if _warming or is_ready() or not is_available():
        return
    _warming = True
    threading.Thread(target=compiled, name="compile the simulation", daemon=True).start()


_warming = False


def _compile() -> ModuleType:
    import numba

    spec = importlib.util.spec_from_file_location(loop.__name__, loop.__file__)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in _NAMES:
        plain = getattr(module, name)
        try:
            setattr(module, name, numba.njit(cache=True)(plain))
        except RuntimeError:  # nowhere to keep it
            setattr(module, name, numba.njit(plain))
    # Called once, so that whoever finds the loop ready does not wait for the compiler.
    from yimen.insight.simulation import kernel

    kernel.first_run(module)
    return module


class Plain:
    """Columns as lists."""

    loop: ModuleType = loop

    def floats(self, values: Iterable[float]) -> Any:
        return [float(value) for value in values]

    def ints(self, values: Iterable[int]) -> Any:
        return [int(value) for value in values]

    def empty_floats(self, count: int) -> Any:
        return [0.0] * count

    def empty_ints(self, count: int) -> Any:
        return [0] * count

    def full(self, count: int, value: float) -> Any:
        return [value] * count

    def all_finite(self, values: Any) -> bool:
        return all(map(isfinite, values))

    def least(self, values: Any) -> Any:
        return min(values)

    def most(self, values: Any) -> Any:
        return max(values)

    def order(self, arrival: Any) -> Any:
        """The places in order of arrival, equal ones as they were; None when all are in order."""
        if all(map(le, arrival, islice(arrival, 1, None))):
            return None
        return sorted(range(len(arrival)), key=arrival.__getitem__)

    def taken(self, values: Any, order: Any) -> Any:
        return [values[place] for place in order]

    def back(self, values: Any, order: Any) -> Any:
        """What `taken` did, undone."""
        if order is None:
            return values
        found = [values[0]] * len(values)
        for value, place in zip(values, order, strict=True):
            found[place] = value
        return found


class Compiled:
    """Columns as arrays, the loop compiled."""

    def __init__(self, module: ModuleType) -> None:
        import numpy

        self.loop, self.numpy = module, numpy

    def floats(self, values: Any) -> Any:
        return self.numpy.array(values, dtype=self.numpy.float64)

    def ints(self, values: Any) -> Any:
        return self.numpy.array(values, dtype=self.numpy.int64)

    def empty_floats(self, count: int) -> Any:
        return self.numpy.zeros(count, dtype=self.numpy.float64)

    def empty_ints(self, count: int) -> Any:
        return self.numpy.zeros(count, dtype=self.numpy.int64)

    def full(self, count: int, value: float) -> Any:
        return self.numpy.full(count, value)

    def all_finite(self, values: Any) -> bool:
        return bool(self.numpy.isfinite(values).all())

    def least(self, values: Any) -> Any:
        return values.min()

    def most(self, values: Any) -> Any:
        return values.max()

    def order(self, arrival: Any) -> Any:
        if len(arrival) < 2 or (arrival[:-1] <= arrival[1:]).all():
            return None
        return self.numpy.argsort(arrival, kind="stable")

    def taken(self, values: Any, order: Any) -> Any:
        return values[order]

    def back(self, values: Any, order: Any) -> Any:
        if order is None:
            return values
        found = self.numpy.empty_like(values)
        found[order] = values
        return found


Columns = Plain | Compiled


def columns(fast: bool | None = None) -> Columns:
    """
    Return how to hold columns. fast: True compiles if need be (ImportError without numba), False never;
    None uses the compiled loop where numba is installed.
    """
    if fast or (fast is None and is_available()):
        return Compiled(compiled())
    return Plain()
