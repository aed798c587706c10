"""A thread that keeps a stream fed."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from ._pictures import jpeg_of

#: Seconds between two tries while the host is away: the first, doubled each time up to the last.
_FIRST_PAUSE, _LAST_PAUSE = 0.25, 8.0

#: Answers after which another try of the same publisher is of no use.
_FINAL = {400, 401, 403, 404, 405}


class Refused(RuntimeError):
    """The host does not take the stream; ``status`` is its HTTP status."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"the host refused ({status}): {detail}")
        self.status = status


@dataclass(frozen=True)
class Figures:
    """What became of the pictures so far."""

    #: Sent and taken.
    sent: int
    #: Bytes of these.
    bytes: int
    #: Overtaken by a newer one before they were sent, or above the rate.
    skipped: int
    #: Lost because the host was away or refused them.
    failed: int
    #: Connections made after the first.
    reconnects: int
    #: What went wrong last.
    last_error: str | None


class Publisher:
    """Publishes pictures to ``{url}/publish/{name}``, each as a request of its own on one
    connection that is kept.

    ``rate``: pictures a second at most. ``quality``: 1 to 100, for frames that have to be encoded.
    ``token``: what the host's auth policy wants to see; with ``user``, as HTTP Basic. ``timeout``:
    seconds that the host may take for one picture.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        rate: float = 30.0,
        quality: int = 80,
        user: str | None = None,
        token: str | None = None,
        timeout: float = 5.0,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no http:// or https:// address")
        if not 1 <= quality <= 100:
            raise ValueError("quality is 1 to 100")
        if rate <= 0:
            raise ValueError("rate is above 0")
        self._address = (parts.scheme, parts.hostname, parts.port)
        self._path = f"{parts.path.rstrip('/')}/publish/{quote(name.strip('/'))}"
        self._headers = {"Content-Type": "image/jpeg", **_credentials(user, token)}
        self._interval, self._quality, self._timeout = 1 / rate, quality, timeout
        self._wake = threading.Condition()
        self._next: Any = None
        self._sending = self._ended = False
        self._refused: Refused | None = None
        self._connection: http.client.HTTPConnection | None = None
        self._sent = self._bytes = self._skipped = self._failed = self._connected = 0
        self._last_error: str | None = None
        self._thread = threading.Thread(target=self._run, name=f"publish {name}", daemon=True)
        self._thread.start()

    def publish(self, picture: Any) -> None:
        """Hands over the newest picture: a frame, or the bytes of a JPEG. Never waits.

        Raises ``Refused`` once the host has said that it will not take the stream.
        """
        with self._wake:
            self._raise_if_over()
            self._skipped += self._next is not None
            self._next = picture
            self._wake.notify_all()

    def send(self, picture: Any) -> None:
        """As ``publish``, but waits until it is this picture's turn: none is skipped."""
        with self._wake:
            self._wake.wait_for(lambda: self._next is None or self._is_over())
        self.publish(picture)

    def flush(self, timeout: float | None = None) -> bool:
        """Waits until everything was sent or given up; whether that came in time."""
        with self._wake:
            done = self._wake.wait_for(
                lambda: (self._next is None and not self._sending) or self._is_over(), timeout
            )
            if self._refused:
                raise self._refused
            return done

    def figures(self) -> Figures:
        """What became of the pictures so far."""
        with self._wake:
            return Figures(
                sent=self._sent,
                bytes=self._bytes,
                skipped=self._skipped,
                failed=self._failed,
                reconnects=max(self._connected - 1, 0),
                last_error=self._last_error,
            )

    def close(self) -> None:
        """Ends it; a picture that is being sent is finished."""
        with self._wake:
            self._ended = True
            self._wake.notify_all()
        self._thread.join(self._timeout + 1)

    def __enter__(self) -> Publisher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _is_over(self) -> bool:
        return self._ended or self._refused is not None

    def _raise_if_over(self) -> None:
        if self._refused:
            raise self._refused
        if self._ended:
            raise RuntimeError("the publisher was closed")

    def _run(self) -> None:
        due = time.monotonic()
        while (picture := self._take(due)) is not None:
            due = max(due + self._interval, time.monotonic())
            self._deliver(picture)
            with self._wake:
                self._sending = False
                self._wake.notify_all()
        self._disconnect()

    def _take(self, due: float) -> Any:
        """The newest picture there is when one is due; none at the end."""
        with self._wake:
            while not self._is_over():
                wait = due - time.monotonic()
                if wait <= 0 and self._next is not None:
                    picture, self._next = self._next, None
                    self._sending = True
                    self._wake.notify_all()
                    return picture
                self._wake.wait(wait if self._next is not None else None)
            return None

    def _deliver(self, picture: Any) -> None:
        """Sends a picture, over and over while the host is away and none newer has come."""
        try:
            data = jpeg_of(picture, self._quality)
        except Exception as error:  # a frame that cannot be encoded is not the end of the stream
            return self._fail(str(error))
        pause = _FIRST_PAUSE
        while True:
            try:
                return self._post(data)
            except Refused as refused:
                self._fail(str(refused))
                if refused.status in _FINAL:
                    with self._wake:
                        self._refused = refused
                    return
                if refused.status == 429 or 413 <= refused.status <= 415:
                    return  # of this picture, not of the stream
            except (OSError, http.client.HTTPException) as error:
                self._disconnect()
                self._fail(f"{type(error).__name__}: {error}", lost=False)
            with self._wake:
                newer = self._wake.wait_for(lambda: self._is_over(), pause) or self._next is not None
                if newer:
                    self._failed += 1
                    return
            pause = min(pause * 2, _LAST_PAUSE)

    def _post(self, data: bytes) -> None:
        if self._connection is None:
            self._connection = self._connect()
            with self._wake:
                self._connected += 1
        self._connection.request("POST", self._path, body=data, headers=self._headers)
        response = self._connection.getresponse()
        answer = response.read(64 << 10)
        if response.will_close:
            self._disconnect()
        if response.status != 200:
            raise Refused(response.status, _words(answer))
        with self._wake:
            self._sent += 1
            self._bytes += len(data)

    def _connect(self) -> http.client.HTTPConnection:
        scheme, host, port = self._address
        made = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
        return made(host, port, timeout=self._timeout)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _fail(self, why: str, *, lost: bool = True) -> None:
        with self._wake:
            self._failed += lost
            self._last_error = why


def _credentials(user: str | None, token: str | None) -> dict[str, str]:
    if user is not None:
        pair = base64.b64encode(f"{user}:{token or ''}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    return {"Authorization": f"Bearer {token}"} if token else {}


def _words(answer: bytes) -> str:
    """What a problem document (RFC 9457) says."""
    try:
        problem = json.loads(answer)
        return str(problem.get("detail") or problem.get("title"))
    except (ValueError, AttributeError):
        return answer[:200].decode(errors="replace")
