"""The operator's configuration: the host checked it against the schema, the defaults are filled in here."""

import copy
import typing
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any

from ._shape import from_json


def with_defaults(schema: Any, value: Any) -> Any:
    """Fills in what a configuration leaves out with the `default`s of its JSON Schema.

    It looks through `properties` and `items`; a `default` behind `$ref`, `anyOf` and the like is not looked for.
    """
    if not isinstance(schema, dict):
        return value
    if isinstance(value, list):
        return [with_defaults(schema.get("items"), item) for item in value]
    if not isinstance(value, dict):
        return value
    for key, part in schema.get("properties", {}).items():
        if key not in value and isinstance(part, dict) and "default" in part:
            # A copy: what one decision does to its configuration must not reach the schema.
            value[key] = copy.deepcopy(part["default"])
        if key in value:
            value[key] = with_defaults(part, value[key])
    return value


def reader(decide: Callable[..., Any]) -> Callable[[Any], Any]:
    """Makes a configuration what the function's last parameter is annotated with: a dataclass, or JSON."""
    names = decide.__code__.co_varnames[: decide.__code__.co_argcount]
    hint = typing.get_type_hints(decide).get(names[-1]) if names else None
    if is_dataclass(hint):
        return lambda value: from_json(hint, value)
    return lambda value: value
