"""Requests to hosts that the policy's `grants` name and that the operator allowed.

While a request is under way the call's deadline stands still, but all requests of a call together
may take 2 s unless the operator says otherwise.
"""

import json as _json
from collections.abc import Mapping
from typing import Any

from . import _host
from ._error import PolicyError
from ._pairs import value_of

_http = _host.interface("http")
_Err = _host.error_class()


class HttpError(PolicyError):
    """Why there is no answer: `code` is "denied", "invalid", "timeout", "failed" or "too-big"."""

    def __init__(self, url: str, code: str, detail: str | None = None) -> None:
        words = {"timeout": "no answer in time", "too-big": "the answer is longer than allowed"}
        super().__init__(f"{url}: {detail or words.get(code, code)}")
        self.code = code


class Response:
    """An answer, of whatever status."""

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        #: 100 to 599.
        self.status = status
        #: Names in lower case.
        self.headers = headers
        self.body = body

    @property
    def ok(self) -> bool:
        """Whether the status is 200 to 299."""
        return 200 <= self.status < 300

    def header(self, name: str) -> str | None:
        """The first header of a name, in whatever case; None if there is none."""
        return value_of(self.headers, name.lower())

    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return _json.loads(self.body)


def fetch(
    url: str,
    *,
    method: str | None = None,
    headers: Mapping[str, str] | list[tuple[str, str]] | None = None,
    body: bytes | str | None = None,
    json: Any = None,
    timeout_ms: int | None = None,
) -> Response:
    """Sends one request and waits for the answer.

    The method is GET, or POST with a body; `json` is a value to send as JSON.
    """
    lines = list(headers.items()) if isinstance(headers, Mapping) else list(headers or [])
    if json is not None:
        body = _json.dumps(json)
        if value_of(((name.lower(), value) for name, value in lines), "content-type") is None:
            lines.append(("content-type", "application/json"))
    content = body.encode() if isinstance(body, str) else body
    method = method or ("GET" if content is None else "POST")
    try:
        answer = _http.fetch(_http.Request(method, url, lines, content, timeout_ms))
    except _Err as error:
        raise HttpError(url, *_host.case(error.value)) from None
    return Response(answer.status, answer.headers, answer.body)
