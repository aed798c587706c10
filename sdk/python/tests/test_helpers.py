"""The conveniences over records, names and times."""

import unittest
from datetime import date

from pointsman_sdk import (
    Asset,
    Order,
    OutputState,
    Output,
    Plan,
    Rect,
    RoutingState,
    SceneSource,
    SelectionRequest,
    Source,
    Span,
    pattern,
    value_of,
)
from pointsman_sdk.testing import lend

HOUR_MS = 3_600_000


class Records(unittest.TestCase):
    def test_a_source_is_heard_while_it_is_connected_and_its_packets_are_fresh(self) -> None:
        self.assertTrue(Source(connected=True, packet_age_ms=500).heard_within(500))
        self.assertFalse(Source(connected=True, packet_age_ms=501).heard_within(500))
        self.assertFalse(Source(connected=True).heard_within(2**64))
        self.assertFalse(Source(packet_age_ms=0).heard_within(500))

    def test_declared_outputs_that_are_enabled_are_kept(self) -> None:
        outputs = [
            OutputState("a", declared=True, enabled=True),
            OutputState("b", declared=True),
            OutputState("c", enabled=True),
        ]
        self.assertEqual(Plan.keep_declared(RoutingState(outputs=outputs)), Plan(outputs=[Output("a")]))

    def test_the_source_on_air_names_and_keys_are_found_or_none(self) -> None:
        state = RoutingState("live/studio/cam1", labels=[("a", "1"), ("a", "2")], sources=[Source("x", on_air=True)])
        self.assertEqual(state.on_air().id, "x")
        self.assertIsNone(RoutingState().on_air())
        self.assertEqual((state.short_name(), RoutingState("cam1").short_name()), ("cam1", "cam1"))
        self.assertEqual((state.label("a"), state.label("b")), ("1", None))
        self.assertEqual(value_of([], "a"), None)

    def test_a_picture_fills_an_area_from_its_middle(self) -> None:
        wide = SceneSource(width=200, height=100)
        self.assertEqual(wide.filling_part(Rect(0, 0, 100, 100)), Rect(0.25, 0, 0.5, 1))
        self.assertEqual(wide.filling_part(Rect(0, 0, 400, 100)), Rect(0, 0.25, 1, 0.5))
        self.assertEqual(SceneSource().filling_part(Rect(0, 0, 1, 1)), Rect.whole())


class Times(unittest.TestCase):
    def test_local_time_wraps_over_midnight_in_both_directions(self) -> None:
        self.assertEqual(RoutingState("", 23 * HOUR_MS, 120).local_minute_of_day(), 60)
        self.assertEqual(RoutingState("", 0, -60).local_minute_of_day(), 23 * 60)
        self.assertEqual(RoutingState("", 0, -60).local_date(), date(1969, 12, 31))

    def test_a_selection_is_about_the_time_when_the_clip_begins(self) -> None:
        self.assertEqual(SelectionRequest("", 0, 0, HOUR_MS).local_minute_of_day(), 60)

    def test_a_span_may_pass_midnight(self) -> None:
        night = Span.parse("22:00", "06:00")
        self.assertEqual([hour * 60 in night for hour in (21, 22, 23, 0, 5, 6)], [False, True, True, True, True, False])
        self.assertNotIn(5, Span(5, 5))


class Patterns(unittest.TestCase):
    def test_a_star_stands_for_any_run_slashes_included_and_the_rest_must_be_there(self) -> None:
        fits = [("*", ""), ("live/*", "live/a/b"), ("*/cam*", "studio/cam1"), ("a*b*c", "axxbxbc"), ("a", "a")]
        misses = [("live/*", "live"), ("*cam1", "cam12"), ("a*b*c", "acb"), ("ab*ba", "aba"), ("", "a"), ("a", "ab")]
        for it, name in fits:
            self.assertTrue(pattern.matches(it, name), f"{it} {name}")
        for it, name in misses:
            self.assertFalse(pattern.matches(it, name), f"{it} {name}")

    def test_an_exact_name_beats_a_pattern_of_as_many_letters_and_of_equals_the_first_is_taken(self) -> None:
        def best(*patterns: str) -> str | None:
            return pattern.most_specific(patterns, "live/a", lambda it: it)

        self.assertEqual(best("*", "live/a*", "live/a", "live/*"), "live/a")
        self.assertEqual(best("l*ive/", "live/*"), "live/*")
        self.assertIsNone(best("test/*"))
        rules = [("live/*", 1), ("live/*", 2)]
        self.assertEqual(pattern.most_specific(rules, "live/a", lambda it: it[0]), ("live/*", 1))


class Libraries(unittest.TestCase):
    def test_a_library_is_walked_through_page_after_page(self) -> None:
        library = lend(
            Asset(f"{index:04}", tags=["odd"] if index % 2 else [], folder="a/b" if index < 10 else "ab")
            for index in range(1_000)
        )
        self.assertEqual([it.id for it in library.assets(order=Order.ID)], [f"{index:04}" for index in range(1_000)])
        self.assertEqual([*library.assets(tag="odd")][-1].id, "0999")
        self.assertEqual((library.count(), library.count(folder="a"), library.count(tag="odd")), (1_000, 10, 500))
        self.assertEqual(len(library.page(limit=1_000)), 256)
        self.assertEqual([it.id for it in library.page(order=Order.ID, offset=998)], ["0998", "0999"])
        self.assertIsNone(library.get("nothing"))
