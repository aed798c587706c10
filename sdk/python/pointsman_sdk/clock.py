"""The time of the decision. `time.time()` and `datetime.now()` tell the same."""

from . import _host

_clock = _host.interface("clock")


def now_unix_ms() -> int:
    """Milliseconds since 1970-01-01T00:00:00Z; the same however often it is asked in a call."""
    return _clock.now_unix_ms()
