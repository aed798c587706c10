"""Publishes pictures to a Pointsman host as an MJPEG stream.

    from pointsman_publish import Publisher

    with Publisher("http://127.0.0.1:8080", "live/cam1", rate=15, quality=80) as publisher:
        while True:
            publisher.publish(camera.read()[1])     # an OpenCV frame, or the bytes of a JPEG

``publish`` never waits: a thread of its own sends the newest picture there is, and tries again
while the host is away. OpenCV is imported only where a frame has to be encoded.
"""

from ._pictures import NotAPicture, Splitter
from ._publisher import Figures, Publisher, Refused

__all__ = ["Figures", "NotAPicture", "Publisher", "Refused", "Splitter"]
