"""The publisher, against a little server."""

import subprocess
import sys
import tempfile
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from pointsman_publish import NotAPicture, Publisher, Refused, Splitter


def picture(coded: bytes = b"\x01\xff\x00\x02") -> bytes:
    """As small as one can be; its coded data means nothing."""
    head = b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00"
    return head + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + coded + b"\xff\xd9"


class Host:
    """Keeps what is published; answers with ``status`` after ``delay`` seconds."""

    def __init__(self, port: int = 0) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self.headers: dict[str, str] = {}
        self.connections = 0
        self.status, self.delay = 200, 0.0
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                host.connections += 1
                super().setup()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(host.delay)
                host.headers = dict(self.headers)
                if host.status == 200:
                    host.taken.append((self.path, body))
                answer = b'{"detail": "because"}'
                self.send_response(host.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_: object) -> None:
                pass

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Publishing(unittest.TestCase):
    def setUp(self) -> None:
        self.host = Host()
        self.addCleanup(self.host.close)

    def until(self, what: str, is_so) -> None:
        end = time.monotonic() + 20
        while not is_so():
            self.assertLess(time.monotonic(), end, f"never: {what}")
            time.sleep(0.005)

    def test_pictures_arrive_in_order_on_one_connection(self) -> None:
        pictures = [picture(bytes([n])) for n in range(5)]
        with Publisher(self.host.url, "live/cam 1", rate=1000, token="t") as publisher:
            for it in pictures:
                publisher.send(it)
            self.assertTrue(publisher.flush(20))
            figures = publisher.figures()
        self.assertEqual(self.host.taken, [("/publish/live/cam%201", it) for it in pictures])
        self.assertEqual(self.host.connections, 1)
        self.assertEqual(self.host.headers["Authorization"], "Bearer t")
        self.assertEqual((figures.sent, figures.skipped, figures.failed), (5, 0, 0))

    def test_publish_never_waits_and_the_newest_is_sent(self) -> None:
        self.host.delay = 0.2
        with Publisher(self.host.url, "cam", rate=1000) as publisher:
            begun = time.monotonic()
            for n in range(50):
                publisher.publish(picture(bytes([n])))
            self.assertLess(time.monotonic() - begun, 0.2)
            self.assertTrue(publisher.flush(20))
            figures = publisher.figures()
        self.assertEqual(self.host.taken[-1][1], picture(bytes([49])))
        self.assertEqual(figures.sent + figures.skipped, 50)
        self.assertGreater(figures.skipped, 40)

    def test_the_rate_is_kept(self) -> None:
        begun = time.monotonic()
        with Publisher(self.host.url, "cam", rate=20) as publisher:
            for _ in range(7):
                publisher.send(picture())
            self.assertTrue(publisher.flush(20))
        self.assertGreaterEqual(time.monotonic() - begun, 6 / 20 - 0.01)

    def test_a_host_that_was_away_is_found_again(self) -> None:
        with Publisher(self.host.url, "cam", rate=1000) as publisher:
            publisher.send(picture(b"a"))
            self.assertTrue(publisher.flush(20))
            self.host.close()
            publisher._disconnect()  # as the host's end would, had it been a process
            publisher.send(picture(b"b"))
            self.until("it fails", lambda: publisher.figures().last_error is not None)
            again = Host(self.host.port)
            self.addCleanup(again.close)
            self.assertTrue(publisher.flush(20))
            self.assertEqual(again.taken, [("/publish/cam", picture(b"b"))])
            self.assertGreaterEqual(publisher.figures().reconnects, 1)
        self.host = again

    def test_a_host_that_says_no_is_not_asked_again(self) -> None:
        self.host.status = 403
        publisher = Publisher(self.host.url, "cam")
        publisher.publish(picture())
        with self.assertRaises(Refused) as caught:
            publisher.flush(20)
        self.assertEqual(caught.exception.status, 403)
        self.assertIn("because", str(caught.exception))
        with self.assertRaises(Refused):
            publisher.publish(picture())
        publisher.close()

    def test_a_picture_that_is_none_is_lost_and_the_next_is_sent(self) -> None:
        with Publisher(self.host.url, "cam", rate=1000) as publisher:
            publisher.send(b"GIF89a")
            publisher.send(picture())
            self.assertTrue(publisher.flush(20))
            figures = publisher.figures()
        self.assertEqual((figures.sent, figures.failed), (1, 1))
        self.assertIn("FF D8", figures.last_error)

    def test_what_makes_no_sense_is_told_at_once(self) -> None:
        for url, options in [("ftp://h", {}), (self.host.url, {"quality": 0}), (self.host.url, {"rate": 0})]:
            with self.assertRaises(ValueError):
                Publisher(url, "cam", **options)

    def test_the_command_publishes_a_folder_and_a_pipe(self) -> None:
        pictures = [picture(bytes([n])) for n in range(3)]
        command = [sys.executable, "-m", "pointsman_publish", "--url", self.host.url, "--rate", "200"]
        with tempfile.TemporaryDirectory() as folder:
            for n, it in enumerate(pictures):
                (Path(folder) / f"{n}.jpg").write_bytes(it)
            subprocess.run([*command, "--name", "a", folder], check=True, timeout=60, stderr=subprocess.DEVNULL)
        piped = [*command, "--name", "b", "-"]
        subprocess.run(piped, input=b"".join(pictures), check=True, timeout=60, stderr=subprocess.DEVNULL)
        expected = [(f"/publish/{name}", it) for name in "ab" for it in pictures]
        self.assertEqual(self.host.taken, expected)
        bad = subprocess.run(piped, input=b"hello", timeout=60, capture_output=True)
        self.assertEqual(bad.returncode, 1)
        self.assertIn(b"no JPEG", bad.stderr)


class Splitting(unittest.TestCase):
    def test_pictures_are_cut_apart_wherever_reads_end(self) -> None:
        pictures = [picture(), picture(b"\xff\xd3" + bytes(300) + b"\xff\xff\xff\x00"), picture(b"")]
        run = b"\r\n".join(pictures)
        for step in (1, 2, 7, 10_000):
            splitter = Splitter()
            pieces = [run[at : at + step] for at in range(0, len(run), step)]
            self.assertEqual([it for piece in pieces for it in splitter.push(piece)], pictures)

    def test_what_is_no_picture_is_told(self) -> None:
        for data in (b"hello", b"\xff\xd8hello", b"\xff\xd8\xff\xe0\x00\x01"):
            with self.assertRaises(NotAPicture):
                list(Splitter().push(data))
        with self.assertRaises(NotAPicture):
            list(Splitter(limit=100).push(picture()[:-2] + bytes(200)))


if __name__ == "__main__":
    unittest.main()
