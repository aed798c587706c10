"""Lines for the operator's log; the host adds the plugin's name and the time.

A call may write 64 lines, each cut at 4,096 bytes; a plugin 50 lines a second. What comes beyond
is dropped and counted. Native tests find the lines in `fake_host().log`.
"""

from . import _host

_log = _host.interface("log")


def trace(message: object) -> None:
    """Writes one step."""
    _log.write(_log.Level.TRACE, str(message))


def debug(message: object) -> None:
    """Writes something an author needs to find a fault."""
    _log.write(_log.Level.DEBUG, str(message))


def info(message: object) -> None:
    """Writes something an operator likes to know."""
    _log.write(_log.Level.INFO, str(message))


def warn(message: object) -> None:
    """Writes something an operator should look into."""
    _log.write(_log.Level.WARN, str(message))


def error(message: object) -> None:
    """Writes something that did not work."""
    _log.write(_log.Level.ERROR, str(message))
