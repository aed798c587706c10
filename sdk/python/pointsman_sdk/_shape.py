"""What a record's type hints demand: checks, defaults and JSON, all read from the hints.

The engine that runs policies ends a call without a word when a field has the wrong type. So
whatever a policy answers is checked against the hints of its dataclass first; `lower` says what
is wrong and where.
"""

import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from keyword import iskeyword
from typing import Annotated, Any, Union


class ShapeError(TypeError):
    """A value that does not fit; the place grows while the error passes through the records around it."""

    def __init__(self, problem: str, place: str = "") -> None:
        super().__init__(f"{place.removeprefix('.')} {problem}".strip())
        self.problem = problem
        self.place = place

    def within(self, part: str) -> "ShapeError":
        return ShapeError(self.problem, part + self.place)


class Whole:
    """Marks an integer's bounds."""

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high


class KeysAndValues:
    """Marks a list of keys and values: an object in JSON, if its keys are unique."""

    def __init__(self, unique: bool) -> None:
        self.unique = unique


U16 = Annotated[int, Whole(0, 2**16 - 1)]
U32 = Annotated[int, Whole(0, 2**32 - 1)]
S32 = Annotated[int, Whole(-(2**31), 2**31 - 1)]
U64 = Annotated[int, Whole(0, 2**64 - 1)]

#: Keys and values, in the host's order.
Pairs = Annotated[list[tuple[str, str]], KeysAndValues(unique=True)]
#: Keys that may come twice.
OrderedPairs = Annotated[list[tuple[str, str]], KeysAndValues(unique=False)]
#: Keys and values as a policy gives them.
PairsLike = Annotated[Union[Mapping[str, str], list[tuple[str, str]]], KeysAndValues(unique=True)]


class WitEnum(Enum):
    """An enum of the WIT files: its values are the cases' numbers, in JSON it is its name."""


def refuse(expected: str, value: object) -> typing.NoReturn:
    raise ShapeError(f"must be {expected}, not {_shown(value)}")


def _shown(value: object) -> str:
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    if isinstance(value, str):
        return repr(value[:40])
    return f"a {type(value).__name__}"


# ---- for the host -------------------------------------------------------------------------------


def lower(what: str, hint: Any, value: object) -> Any:
    """The value as the host takes it; `what` names it in the error."""
    try:
        return _lowering(hint)(value)
    except ShapeError as error:
        raise error.within(what) from None


@cache
def _lowering(hint: Any) -> Callable[[Any], Any]:
    """The check of a hint, made once."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _lower_pairs if isinstance(arguments[1], KeysAndValues) else _lower_whole(arguments[1])
    if origin in (Union, types.UnionType):
        return _lower_optional(_lowering(arguments[0]))
    if origin is list:
        return _lower_list(_lowering(arguments[0]))
    if hint is float:
        return _lower_float
    if is_dataclass(hint):
        return _lower_record(hint)
    return _lower_plain(hint)


def _lower_plain(kind: type) -> Callable[[Any], Any]:
    names = {str: "a str", bool: "True or False"}

    def check(value: Any) -> Any:
        return value if isinstance(value, kind) else refuse(names.get(kind, f"one of {kind.__name__}"), value)

    return check


def _lower_whole(bounds: Whole) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and bounds.low <= value <= bounds.high:
            return value
        refuse(f"an int from {bounds.low} to {bounds.high}", value)

    return check


def _lower_float(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    refuse("a finite number", value)


def _lower_pairs(value: Any) -> list[tuple[str, str]]:
    pairs = list(value.items()) if isinstance(value, Mapping) else value
    if not isinstance(pairs, list):
        refuse("a dict or a list of keys and values", value)
    for pair in pairs:
        if not (isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
            refuse("keys and values that are str", pair)
    return pairs


def _lower_optional(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else check(value)


def _lower_list(check: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    def lowered(value: Any) -> list[Any]:
        if not isinstance(value, (list, tuple)):
            refuse("a list", value)
        items = []
        for index, item in enumerate(value):
            try:
                items.append(check(item))
            except ShapeError as error:
                raise error.within(f"[{index}]") from None
        return items

    return lowered


def _lower_record(record: type) -> Callable[[Any], Any]:
    checks = [(name, _lowering(hint)) for name, hint in record_hints(record).items()]

    def lowered(value: Any) -> Any:
        if not isinstance(value, record):
            refuse(f"a {record.__name__}", value)
        for name, check in checks:
            given = getattr(value, name)
            try:
                checked = check(given)
            except ShapeError as error:
                raise error.within(f".{name}") from None
            if checked is not given:
                setattr(value, name, checked)
        return value

    return lowered


@cache
def record_hints(record: type) -> dict[str, Any]:
    hints = typing.get_type_hints(record, include_extras=True)
    return {field.name: hints[field.name] for field in fields(record)}


# ---- from and to JSON ---------------------------------------------------------------------------


def from_json(hint: Any, value: Any) -> Any:
    """A value of this type from JSON: records of fixtures, and configurations of dataclasses."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        if isinstance(arguments[1], KeysAndValues):
            return [tuple(pair) for pair in (value.items() if isinstance(value, dict) else value)]
        return value
    if origin in (Union, types.UnionType):
        return None if value is None else from_json(arguments[0], value)
    if origin is list:
        return [from_json(arguments[0], item) for item in value]
    if origin is tuple:
        return tuple(from_json(arguments[0], item) for item in value)
    if origin is dict:
        return {key: from_json(arguments[1], item) for key, item in value.items()}
    if hint is float:
        return float(value)
    if isinstance(hint, type) and issubclass(hint, WitEnum):
        return hint[value.upper()]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if is_dataclass(hint):
        return _record_from_json(hint, value)
    return value


def _record_from_json(record: Any, value: Mapping[str, Any]) -> Any:
    hints = record_hints(record)
    given = {}
    for key, item in value.items():
        if iskeyword(key):
            key += "_"  # as `from_`: a field cannot have the name of a keyword
        if key not in hints:
            raise ShapeError(f"is no field of {record.__name__}; there are {', '.join(hints)}", key)
        if item is None and not _takes_none(hints[key]):
            continue  # in JSON, null is left out
        given[key] = from_json(hints[key], item)
    needed = [field.name for field in fields(record) if field.default is MISSING and field.default_factory is MISSING]
    absent = [name for name in needed if name not in given]
    if absent:
        raise ShapeError(f"needs {', '.join(absent)}", record.__name__)
    return record(**given)


def _takes_none(hint: Any) -> bool:
    return hint is Any or type(None) in typing.get_args(hint)


def to_json(hint: Any, value: Any) -> Any:
    """JSON of a value of this type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if value is None:
        return None
    if origin is Annotated and isinstance(arguments[1], KeysAndValues):
        return dict(value) if arguments[1].unique else [list(pair) for pair in value]
    if origin in (Union, types.UnionType):
        return to_json(arguments[0], value)
    if origin is list:
        return [to_json(arguments[0], item) for item in value]
    if isinstance(value, WitEnum):
        return value.name.lower()
    if is_dataclass(hint):
        return {name: to_json(part, getattr(value, name)) for name, part in record_hints(hint).items()}
    return value
