"""A small store of the plugin's own, kept by the host over swaps and restarts.

Values are bytes; `get_json`, `set_json` and `update` keep JSON in them. Trials and shadow runs
write to a copy that is thrown away.
"""

import json
from collections.abc import Callable
from typing import Any, Protocol

from . import _host
from ._error import PolicyError

_kv = _host.interface("kv")
_Err = _host.error_class()

#: How often `update` tries again. Each conflict is another call's success, so this many in a row
#: mean that something other than chance is going on.
_TRIES = 16


class Entry(Protocol):
    """A value and how often it was written."""

    value: bytes
    revision: int


class KvError(PolicyError):
    """Why an entry was not written or cannot be read: `code` is "invalid", "full", "conflict" or "unreadable"."""

    def __init__(self, key: str, code: str, detail: Any = None) -> None:
        words = {
            "invalid": f"the store refuses the entry: {detail}",
            "full": "the plugin's store is full: delete entries, or have the operator raise its quota",
            "conflict": f"another call wrote the entry in between, it is now at revision {detail}",
            "unreadable": f"the entry is not what was expected: {detail}",
        }
        super().__init__(f"key {key!r}: {words.get(code, code)}")
        self.code = code
        #: Of a conflict: the revision now in force, 0 if there is no entry.
        self.revision: int | None = detail if code == "conflict" else None


def get(key: str) -> Entry | None:
    """The entry of a key; None if there is none."""
    return _kv.get(key)


def get_json(key: str) -> Any:
    """The value of a key as JSON; None if there is none."""
    entry = get(key)
    return None if entry is None else _parse(key, entry.value)


def set(key: str, value: bytes) -> int:
    """Writes, whatever is there. Returns the new revision."""
    try:
        return _kv.set(key, value)
    except _Err as error:
        raise KvError(key, *_host.case(error.value)) from None


def set_json(key: str, value: Any) -> int:
    """Writes a value as JSON, whatever is there. Returns the new revision."""
    return set(key, _json(value))


def compare_and_set(key: str, revision: int, value: bytes) -> int:
    """Writes only if the entry still has this revision; 0: only if there is none. Returns the new revision."""
    try:
        return _kv.compare_and_set(key, revision, value)
    except _Err as error:
        raise KvError(key, *_host.case(error.value)) from None


def update(key: str, change: Callable[[Any], Any]) -> Any:
    """Changes a JSON value without losing what another call writes meanwhile.

    `change` gets the value (None if there is none) and returns the new one; it is asked again if
    another call was faster. What is no JSON counts as none, so that a newer version of a plugin
    gets over what an older one left. What equals the entry is not written. Returns the new value.
    """
    for attempt in range(_TRIES + 1):
        entry = get(key)
        value = change(None if entry is None else _readable(key, entry.value))
        written = _json(value)
        if entry is not None and entry.value == written:
            return value
        try:
            compare_and_set(key, entry.revision if entry else 0, written)
            return value
        except KvError as error:
            if error.code != "conflict" or attempt == _TRIES:
                raise


def delete(key: str) -> bool:
    """Removes an entry; True if there was one."""
    return _kv.delete(key)


def keys(prefix: str = "") -> list[str]:
    """Keys with this prefix in byte order, at most 1,024."""
    return _kv.keys(prefix)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _parse(key: str, value: bytes) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        raise KvError(key, "unreadable", str(error)) from None


def _readable(key: str, value: bytes) -> Any:
    try:
        return _parse(key, value)
    except KvError:
        return None
