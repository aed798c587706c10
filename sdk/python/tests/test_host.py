"""What the host offers, on the fake host: the store, random numbers, requests."""

import unittest

from pointsman_sdk import clock, http, kv, log, random
from pointsman_sdk.kv import KvError
from pointsman_sdk.testing import fake_host, http_error, response


class Store(unittest.TestCase):
    def test_the_store_keeps_json_and_bytes_and_counts_writes(self) -> None:
        host = fake_host(kv={"seen": {"größe": [1, "ä€😀"]}})
        self.assertEqual(kv.get_json("seen"), {"größe": [1, "ä€😀"]})
        self.assertEqual(kv.get("seen").revision, 1)
        self.assertEqual(kv.set_json("seen", 2), 2)
        self.assertEqual(kv.set("bytes", b"1"), 1)
        self.assertEqual((kv.get("nothing"), kv.get_json("nothing")), (None, None))
        self.assertEqual((kv.keys(), kv.keys("se")), (["bytes", "seen"], ["seen"]))
        self.assertEqual((kv.delete("bytes"), kv.delete("bytes")), (True, False))
        self.assertEqual(host.kv(), {"seen": 2})

    def test_a_write_that_comes_too_late_is_told_and_an_update_tries_again(self) -> None:
        fake_host(kv={"count": 1})
        with self.assertRaises(KvError) as caught:
            kv.compare_and_set("count", 0, b"2")
        self.assertEqual((caught.exception.code, caught.exception.revision), ("conflict", 1))
        self.assertEqual(kv.compare_and_set("count", 1, b"2"), 2)
        others = [10]

        def change(count: int) -> int:
            if others:  # another call comes between, once
                kv.set_json("count", others.pop())
            return count + 1

        self.assertEqual(kv.update("count", change), 11)
        self.assertEqual(kv.get_json("count"), 11)

    def test_an_update_without_a_change_writes_nothing_and_one_that_is_always_overtaken_gives_up(self) -> None:
        fake_host()
        kv.set_json("list", [1, 2])
        kv.update("list", list)
        self.assertEqual(kv.get("list").revision, 1)
        with self.assertRaises(KvError):
            kv.update("list", lambda _: kv.set_json("list", "other") and 0)

    def test_what_another_version_left_is_unreadable_and_can_be_replaced(self) -> None:
        fake_host()
        kv.set("state", b"v0: 7")
        with self.assertRaises(KvError) as caught:
            kv.get_json("state")
        self.assertEqual(caught.exception.code, "unreadable")
        self.assertEqual(kv.update("state", lambda state: state or 5), 5)

    def test_the_stores_bounds_are_the_hosts(self) -> None:
        fake_host()
        for key, value in [("", b"x"), ("k" * 129, b"x"), ("k", bytes(65_537))]:
            with self.assertRaises(KvError) as caught:
                kv.set(key, value)
            self.assertEqual(caught.exception.code, "invalid")
        for key in "abc":
            kv.set(key, bytes(65_536))
        with self.assertRaises(KvError) as caught:
            kv.set("d", bytes(65_536))
        self.assertEqual((caught.exception.code, caught.exception.revision), ("full", None))


class Numbers(unittest.TestCase):
    def test_random_numbers_are_those_of_the_seed(self) -> None:
        fake_host(seed=0)
        # SplitMix64's published test values for seed 0.
        self.assertEqual([random.next_u64(), random.next_u64()], [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4])
        fake_host(seed=1)
        self.assertNotEqual(random.next_u64(), 0xE220A8397B1DCDAF)
        self.assertEqual(sorted(random.shuffled(range(50))), list(range(50)))
        counts = [0, 0, 0]
        for _ in range(3_000):
            counts[random.below(3)] += 1
        self.assertTrue(all(900 < count < 1_100 for count in counts), counts)
        self.assertEqual((random.below(0), random.below(1)), (0, 0))
        self.assertTrue(0 <= random.unit() < 1)
        self.assertEqual(len(random.bytes(12)), 12)

    def test_the_clock_stands_still(self) -> None:
        fake_host(now_unix_ms=1_800_000_000_000)
        self.assertEqual(clock.now_unix_ms(), 1_800_000_000_000)


class Requests(unittest.TestCase):
    def test_a_request_has_defaults_and_an_answer_is_read_as_text_or_json(self) -> None:
        host = fake_host(http=lambda request: response(201, {"ok": "ä"}, {"x-a": "1"}))
        answer = http.fetch("https://example.org/", json={"a": 1}, headers={"X-B": "2"}, timeout_ms=100)
        self.assertTrue(answer.ok)
        self.assertEqual((answer.header("X-A"), answer.header("nothing")), ("1", None))
        self.assertEqual(answer.json(), {"ok": "ä"})
        [request] = host.requests
        self.assertEqual((request.method, request.body, request.timeout_ms), ("POST", b'{"a": 1}', 100))
        self.assertEqual(request.headers, [("X-B", "2"), ("content-type", "application/json")])
        http.fetch("https://example.org/")
        self.assertEqual((host.requests[1].method, host.requests[1].body), ("GET", None))

    def test_why_there_is_no_answer_has_a_code(self) -> None:
        def late(request: object) -> None:
            raise http_error("too-big")

        fake_host(http=late)
        with self.assertRaises(http.HttpError) as caught:
            http.fetch("https://example.org/")
        self.assertEqual(caught.exception.code, "too-big")
        fake_host()
        with self.assertRaises(http.HttpError) as caught:
            http.fetch("https://example.org/")
        self.assertEqual(caught.exception.code, "denied")

    def test_lines_carry_their_level(self) -> None:
        host = fake_host()
        log.warn("hm")
        log.debug(7)
        self.assertEqual(host.log, [("warn", "hm"), ("debug", "7")])
