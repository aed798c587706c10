import unittest
from datetime import datetime, timezone
from pathlib import Path

from policy import policy
from pointsman_sdk import Asset, PlayedItem, PolicyError, SelectionRequest
from pointsman_sdk.testing import check_fixtures, fake_host, select

CONFIG = {
    "parts": [
        {"name": "party", "from": "22:00", "to": "04:00", "days": ["fri", "sat"], "tags": ["dance"]},
        {"name": "night", "from": "22:00", "to": "06:00", "tags": ["calm"]},
        {"name": "morning", "from": "06:00", "to": "10:00", "tags": ["news"], "folders": ["shows/morning"]},
    ],
    "choices": 1,
}

LIBRARY = [
    Asset("waltz", tags=["dance"]),
    Asset("lullaby", tags=["calm"]),
    Asset("headlines", tags=["news"], last_played_unix_ms=2),
    Asset("coffee", folder="shows/morning/monday", last_played_unix_ms=1),
    Asset("film", last_played_unix_ms=0),
]


def at(time: str, history: list[str] | None = None, offset: int = 0) -> SelectionRequest:
    """A clip that begins at that time, UTC."""
    starts = int(datetime.fromisoformat(time).replace(tzinfo=timezone.utc).timestamp() * 1_000)
    items = [PlayedItem(asset) for asset in history or []]
    return SelectionRequest(starts_unix_ms=starts, utc_offset_minutes=offset, history=items)


class PolicyTest(unittest.TestCase):
    def played(self, request: SelectionRequest, library: list[Asset] = LIBRARY, **config) -> str:
        return select(policy, request, library, CONFIG | config).asset

    def test_clips_suit_the_part_of_the_day(self) -> None:
        self.assertEqual(self.played(at("2027-03-02T07:00")), "coffee")
        self.assertEqual(self.played(at("2027-03-02T23:00")), "lullaby")
        self.assertEqual(self.played(at("2027-03-02T12:00")), "lullaby", "no part: the longest not played")

    def test_a_part_that_passes_midnight_belongs_to_the_day_on_which_it_begins(self) -> None:
        friday, saturday, sunday, monday = (f"2027-03-{day:02}T01:00" for day in (5, 6, 7, 8))
        self.assertEqual(self.played(at("2027-03-05T23:00")), "waltz")
        self.assertEqual([self.played(at(it)) for it in (saturday, sunday)], ["waltz", "waltz"])
        self.assertEqual([self.played(at(it)) for it in (friday, monday)], ["lullaby", "lullaby"])

    def test_the_hour_is_the_hosts_local_one(self) -> None:
        self.assertEqual(self.played(at("2027-03-02T05:30", offset=60)), "coffee")

    def test_what_was_played_lately_is_not_played_again_while_something_fits(self) -> None:
        morning = "2027-03-02T07:00"
        self.assertEqual(self.played(at(morning, ["coffee"])), "headlines")
        clip = select(policy, at(morning, ["coffee", "headlines"]), LIBRARY, CONFIG)
        self.assertEqual((clip.asset, clip.reason), ("lullaby", "nothing suits the hour: any clip"))
        everything = [asset.id for asset in LIBRARY]
        clip = select(policy, at(morning, everything), LIBRARY, CONFIG)
        self.assertEqual((clip.asset, clip.reason), ("lullaby", "all that fits was played lately"))
        self.assertEqual(self.played(at(morning, ["coffee"]), no_repeat=0), "coffee")

    def test_a_seasons_clips_are_played_in_their_season_only(self) -> None:
        library = [Asset("carol", tags=["xmas", "news"]), *LIBRARY]
        seasons = [{"tag": "xmas", "from": "12-01", "to": "01-06", "percent": 100}]
        for day in ("12-01", "12-31", "01-06"):
            self.assertEqual(self.played(at(f"2027-{day}T07:00"), library, seasons=seasons), "carol")
        for day in ("11-30", "01-07"):
            self.assertEqual(self.played(at(f"2027-{day}T07:00"), library, seasons=seasons), "coffee")
        with self.assertRaisesRegex(PolicyError, "no clip for this season"):
            self.played(at("2027-07-01T12:00"), library[:1], seasons=seasons)

    def test_a_seasons_share_is_what_it_is_given(self) -> None:
        library = [Asset("carol", tags=["xmas"]), *LIBRARY]
        seasons = [{"tag": "xmas", "from": "12-01", "to": "12-26", "percent": 30}]
        carols = 0
        for seed in range(500):
            fake_host(seed=seed)
            carols += self.played(at("2027-12-10T23:00"), library, seasons=seasons) == "carol"
        self.assertTrue(110 < carols < 190, carols)

    def test_one_of_some_clips_is_drawn_and_a_seed_draws_the_same_again(self) -> None:
        library = [Asset(str(number), tags=["calm"]) for number in range(20)]

        def drawn(seed: int) -> str:
            fake_host(seed=seed)
            return self.played(at("2027-03-02T23:00"), library, choices=4)

        self.assertEqual({drawn(seed) for seed in range(50)}, {"0", "1", "10", "11"})
        self.assertEqual(drawn(7), drawn(7))

    def test_the_fixtures_pass(self) -> None:
        check_fixtures(policy, Path(__file__).parent.parent / "fixtures")
