"""The host as policies find it outside of a component: in tests, and while they are built.

Its functions have the signatures of the generated ones. `testing.fake_host` sets it up.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

_MASK = 2**64 - 1


@dataclass
class Err(Exception):
    """As componentize-py's: the `err` of a `result`."""

    value: Any


@dataclass
class Error_Invalid:  # noqa: N801  (componentize-py's way to name cases)
    value: str


@dataclass
class Error_Full:  # noqa: N801
    pass


@dataclass
class Error_Conflict:  # noqa: N801
    value: int


@dataclass
class Error_Denied:  # noqa: N801
    value: str


@dataclass
class Error_Timeout:  # noqa: N801
    pass


@dataclass
class Error_Failed:  # noqa: N801
    value: str


@dataclass
class Error_TooBig:  # noqa: N801
    pass


@dataclass
class Entry:
    """A value of the store and how often it was written."""

    value: bytes
    revision: int


@dataclass
class HttpRequest:
    """A request as the host gets it."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes | None
    timeout_ms: int | None


@dataclass
class HttpResponse:
    """An answer as the host gives it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def split_mix(seed: int) -> Iterator[int]:
    """SplitMix64 (Steele, Lea and Flood 2014), the numbers drawn by a call with this seed."""
    state = seed & _MASK
    while True:
        state = (state + 0x9E3779B97F4A7C15) & _MASK
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        yield mixed ^ (mixed >> 31)


def _deny(request: HttpRequest) -> HttpResponse:
    raise Err(Error_Denied("no answer was prepared for this test"))


@dataclass
class State:
    """What a call finds, and what it leaves."""

    now_unix_ms: int = 0
    numbers: Iterator[int] = field(default_factory=lambda: split_mix(0))
    entries: dict[str, Entry] = field(default_factory=dict)
    log: list[tuple[str, str]] = field(default_factory=list)
    requests: list[HttpRequest] = field(default_factory=list)
    answer: Callable[[HttpRequest], HttpResponse] = _deny


state = State()


def reset(fresh: State) -> None:
    """Puts another state in place."""
    global state
    state = fresh


class log:  # noqa: N801  (stands for a module)
    class Level:
        TRACE, DEBUG, INFO, WARN, ERROR = "trace", "debug", "info", "warn", "error"

    @staticmethod
    def write(level: str, message: str) -> None:
        state.log.append((level, message))


class clock:  # noqa: N801
    @staticmethod
    def now_unix_ms() -> int:
        return state.now_unix_ms


class random:  # noqa: N801
    @staticmethod
    def next_u64() -> int:
        return next(state.numbers)

    @staticmethod
    def bytes(length: int) -> bytes:
        length = min(length, 4_096)
        numbers = (next(state.numbers).to_bytes(8, "little") for _ in range(-(-length // 8)))
        return b"".join(numbers)[:length]


class kv:  # noqa: N801
    # The bounds that the host has when nothing else is configured.
    _KEY_BYTES, _VALUE_BYTES, _KEYS, _TOTAL_BYTES = 128, 64 << 10, 1_024, 256 << 10

    @staticmethod
    def get(key: str) -> Entry | None:
        return state.entries.get(key)

    @classmethod
    def set(cls, key: str, value: bytes) -> int:
        if not 1 <= len(key.encode()) <= cls._KEY_BYTES:
            raise Err(Error_Invalid(f"a key has 1 to {cls._KEY_BYTES} bytes"))
        if len(value) > cls._VALUE_BYTES:
            raise Err(Error_Invalid(f"a value has at most {cls._VALUE_BYTES} bytes"))
        others = {name: entry for name, entry in state.entries.items() if name != key}
        used = sum(len(name.encode()) + len(entry.value) for name, entry in others.items())
        if len(others) >= cls._KEYS or used + len(key.encode()) + len(value) > cls._TOTAL_BYTES:
            raise Err(Error_Full())
        old = state.entries.get(key)
        state.entries[key] = Entry(value, old.revision + 1 if old else 1)
        return state.entries[key].revision

    @classmethod
    def compare_and_set(cls, key: str, revision: int, value: bytes) -> int:
        entry = state.entries.get(key)
        now = entry.revision if entry else 0
        if now != revision:
            raise Err(Error_Conflict(now))
        return cls.set(key, value)

    @staticmethod
    def delete(key: str) -> bool:
        return state.entries.pop(key, None) is not None

    @staticmethod
    def keys(prefix: str) -> list[str]:
        return sorted((key for key in state.entries if key.startswith(prefix)), key=str.encode)[:1_024]


class http:  # noqa: N801
    Request = HttpRequest

    @staticmethod
    def fetch(request: HttpRequest) -> HttpResponse:
        state.requests.append(request)
        return state.answer(request)
