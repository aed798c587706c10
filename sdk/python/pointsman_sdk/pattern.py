"""Patterns over stream names, as the host's own configuration has them."""

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def matches(pattern: str, name: str) -> bool:
    """Whether the whole name fits the pattern, in which `*` stands for any run of characters, slashes included."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == name
    if not name.startswith(first):
        return False
    *middle, last = rest
    # Taking the earliest place for every part but the last leaves the most for those after it.
    at = len(first)
    for part in middle:
        found = name.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(name) - at >= len(last) and name.endswith(last)


def specificity(pattern: str) -> int:
    """How specific a pattern is: of all that match, the highest wins. An exact name beats a pattern of as many letters."""
    stars = pattern.count("*")
    return (len(pattern) - stars) * 2 + (stars == 0)


def most_specific(items: Iterable[T], name: str, pattern: Callable[[T], str]) -> T | None:
    """The item with the most specific pattern that matches the name, the first of equals; None if none does."""
    fitting = (item for item in items if matches(pattern(item), name))
    return max(fitting, key=lambda item: specificity(pattern(item)), default=None)
