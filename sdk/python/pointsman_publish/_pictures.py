"""From what a program has to the bytes of a JPEG."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

SOI = b"\xff\xd8"
EOI = b"\xff\xd9"

#: Markers without a length (ITU-T T.81, table B.1): TEM and the restarts.
_BARE = {0x01, *range(0xD0, 0xD8)}
_SOS = 0xDA


class NotAPicture(ValueError):
    """What was given is no JPEG, and no frame that can be made one."""


def jpeg_of(picture: Any, quality: int) -> bytes:
    """The bytes of a picture; a frame (a NumPy array, as OpenCV has them) is encoded."""
    if isinstance(picture, (bytes, bytearray, memoryview)):
        data = bytes(picture)
        if not data.startswith(SOI):
            raise NotAPicture("the bytes are no JPEG: they do not begin with FF D8")
        return data
    if not hasattr(picture, "shape"):
        raise NotAPicture(f"a {type(picture).__name__} is neither bytes nor a frame")
    try:
        import cv2
    except ImportError as error:
        raise NotAPicture("frames are encoded by OpenCV: pip install opencv-python-headless") from error
    made, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not made:
        raise NotAPicture(f"OpenCV cannot encode a frame of shape {picture.shape}")
    return data.tobytes()


class Splitter:
    """Cuts pictures that come one behind the other (a file or a pipe of MJPEG) apart."""

    def __init__(self, limit: int = 10 << 20) -> None:
        self._held = bytearray()
        self._at = 0
        self._coded = False
        self._limit = limit

    def push(self, data: bytes) -> Iterator[bytes]:
        """Takes bytes in any cut, and gives the pictures that they complete."""
        self._held += data
        while (end := self._end()) is not None:
            picture = bytes(self._held[:end])
            del self._held[:end]
            self._at, self._coded = 0, False
            yield picture
        if len(self._held) > self._limit:
            raise NotAPicture(f"a picture has more than {self._limit} bytes")

    def _end(self) -> int | None:
        """Where the picture at the start ends, once that is known."""
        held = self._held
        if self._at == 0:
            padding = len(held) - len(held.lstrip(b"\0\r\n"))
            del held[:padding]
            if len(held) < 2:
                return None
            if not held.startswith(SOI):
                raise NotAPicture("what comes is no JPEG: it does not begin with FF D8")
            self._at = 2
        while True:
            if self._coded:
                self._at = held.find(b"\xff", self._at)
                if self._at < 0:
                    self._at = len(held)
                    return None
            if len(held) < self._at + 2:
                return None
            marker = held[self._at + 1]
            if held[self._at] != 0xFF:
                raise NotAPicture(f"byte {self._at} should begin a marker")
            if marker == 0xFF:
                self._at += 1
            elif marker in _BARE or (self._coded and marker == 0):
                self._at += 2
            elif marker == EOI[1]:
                return self._at + 2
            else:
                if len(held) < self._at + 4:
                    return None
                length = int.from_bytes(held[self._at + 2 : self._at + 4], "big")
                if length < 2:
                    raise NotAPicture(f"the segment at byte {self._at} has no length")
                if len(held) < self._at + 2 + length:
                    return None
                self._coded = marker == _SOS
                self._at += 2 + length
