"""``python -m pointsman_publish``: a folder of JPEGs, a file or standard input of MJPEG, or a camera."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import NotAPicture, Publisher, Refused, Splitter

_SUFFIXES = {".jpg", ".jpeg"}


def main(arguments: list[str] | None = None) -> int:
    told = _parser().parse_args(arguments)
    try:
        with Publisher(
            told.url,
            told.name,
            rate=told.rate,
            quality=told.quality,
            user=told.user,
            token=told.token,
        ) as publisher:
            _publish(publisher, told)
            publisher.flush()
    except KeyboardInterrupt:
        pass
    except (NotAPicture, Refused, OSError, ValueError) as error:
        print(f"pointsman_publish: {error}", file=sys.stderr)
        return 1
    figures = publisher.figures()
    print(
        f"{figures.sent} pictures sent, {figures.skipped} skipped, {figures.failed} lost",
        file=sys.stderr,
    )
    return 0 if figures.sent else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pointsman_publish", description=__doc__)
    parser.add_argument(
        "source",
        help="a folder of JPEGs, a file of MJPEG, - for standard input, or the number of a camera (OpenCV)",
    )
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="the host (default: %(default)s)")
    parser.add_argument("--name", required=True, help="the stream, for example live/cam1")
    parser.add_argument("--rate", type=float, default=10, help="pictures a second (default: %(default)s)")
    parser.add_argument("--quality", type=int, default=80, help="1 to 100, of a camera's (default: %(default)s)")
    parser.add_argument("--loop", action="store_true", help="a folder or file over and over")
    parser.add_argument("--user", help="for the host's auth policy")
    parser.add_argument("--token", help="for the host's auth policy")
    return parser


def _publish(publisher: Publisher, told: argparse.Namespace) -> None:
    if told.source.isdecimal():
        for frame in _camera(int(told.source)):
            publisher.publish(frame)
        return
    for _ in itertools.count() if told.loop and told.source != "-" else range(1):
        for picture in _pictures(told.source):
            publisher.send(picture)


def _pictures(source: str) -> Iterator[bytes]:
    path = Path(source)
    if source != "-" and path.is_dir():
        files = sorted(it for it in path.iterdir() if it.suffix.lower() in _SUFFIXES)
        if not files:
            raise NotAPicture(f"{source} has no *.jpg")
        yield from (it.read_bytes() for it in files)
        return
    splitter = Splitter()
    with sys.stdin.buffer if source == "-" else path.open("rb") as stream:
        while data := stream.read1(64 << 10):  # type: ignore[union-attr]
            yield from splitter.push(data)


def _camera(number: int) -> Iterator[Any]:
    try:
        import cv2
    except ImportError as error:
        raise NotAPicture("a camera needs OpenCV: pip install opencv-python-headless") from error
    camera = cv2.VideoCapture(number)
    try:
        while True:
            read, frame = camera.read()
            if not read:
                raise NotAPicture(f"camera {number} gives no picture")
            yield frame
    finally:
        camera.release()


if __name__ == "__main__":
    sys.exit(main())
