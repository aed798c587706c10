"""Lists of keys and values: labels, attributes, parameters, queries."""

from collections.abc import Iterable


def value_of(pairs: Iterable[tuple[str, str]], key: str) -> str | None:
    """The value of a key, the first if there are several; None if there is none."""
    return next((value for name, value in pairs if name == key), None)


class Labelled:
    """Something that the operator labelled."""

    __slots__ = ()

    labels: list[tuple[str, str]]

    def label(self, key: str) -> str | None:
        """The value of a label; None if there is none."""
        return value_of(self.labels, key)
