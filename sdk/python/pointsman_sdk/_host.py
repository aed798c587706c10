"""Where the host is: in a component the imports of its world, natively the fakes of `_fakes`."""

import importlib
import importlib.util
from types import ModuleType
from typing import Any

#: Whether this runs inside a component, whose world componentize-py puts beside the policy.
IN_COMPONENT = importlib.util.find_spec("wit_world") is not None


def interface(name: str) -> Any:
    """One of the host's interfaces: "log", "clock", "random", "kv" or "http"."""
    if IN_COMPONENT:
        return importlib.import_module(f"wit_world.imports.{name}")
    from . import _fakes

    return getattr(_fakes, name)


def error_class() -> type[Exception]:
    """What the host's functions raise for the `err` of a `result`; its `value` is the variant."""
    module: ModuleType = importlib.import_module("componentize_py_types" if IN_COMPONENT else "pointsman_sdk._fakes")
    return module.Err  # type: ignore[no-any-return]


def case(variant: Any) -> tuple[str, Any]:
    """A variant's case in kebab case and its payload: `Error_TooBig()` is ("too-big", None)."""
    name = type(variant).__name__.split("_", 1)[-1]
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
    return words.removeprefix("-"), getattr(variant, "value", None)
