"""Random numbers that a replay draws again. Not for keys or secrets.

A seed means the same numbers in every SDK. Python's own `random` is seeded for each call, too.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from . import _host

T = TypeVar("T")

_random = _host.interface("random")


def next_u64() -> int:
    """The next number of the call's sequence, uniform over 64 bits."""
    return _random.next_u64()


def bytes(length: int) -> "bytes":
    """The next bytes of the sequence, at most 4,096."""
    return _random.bytes(length)


def unit() -> float:
    """From 0 up to and without 1, with 53 random bits."""
    return (next_u64() >> 11) * 2.0**-53


def below(bound: int) -> int:
    """A whole number from 0 up to and without `bound`, each as likely as the others; 0 if there is none."""
    if bound <= 0:
        return 0
    # Lemire, "Fast Random Integer Generation in an Interval" (2019).
    unfair = 2**64 % bound
    while True:
        product = next_u64() * bound
        if product % 2**64 >= unfair:
            return product >> 64


def pick(items: Sequence[T]) -> T:
    """One of some items; an IndexError if there is none."""
    return items[below(len(items))]


def shuffled(items: Iterable[T]) -> list[T]:
    """The same items in another order (Fisher and Yates)."""
    mixed = list(items)
    for last in range(len(mixed) - 1, 0, -1):
        other = below(last + 1)
        mixed[last], mixed[other] = mixed[other], mixed[last]
    return mixed
