import unittest
from pathlib import Path

from policy import policy
from pointsman_sdk import Canvas, Rect, Scene, SceneSource
from pointsman_sdk.testing import arrange, check_fixtures


class PolicyTest(unittest.TestCase):
    def test_a_wide_picture_loses_its_sides_rather_than_its_shape(self) -> None:
        source = SceneSource("a", connected=True, width=200, height=100)
        arrangement = arrange(policy, Scene(canvas=Canvas(100, 100), sources=[source]))
        self.assertEqual(arrangement.tiles[0].part, Rect(0.25, 0, 0.5, 1))

    def test_the_fixtures_pass(self) -> None:
        check_fixtures(policy, Path(__file__).parent.parent / "fixtures")
