import unittest
from pathlib import Path

from policy import policy
from pointsman_sdk import RoutingState, Source
from pointsman_sdk.testing import check_fixtures, route


class PolicyTest(unittest.TestCase):
    def test_with_no_source_heard_the_air_is_left_as_it_is(self) -> None:
        plan = route(policy, RoutingState(sources=[Source("main", connected=False)]))
        self.assertIsNone(plan.on_air)
        self.assertEqual(plan.reason, "no source is heard")

    def test_the_fixtures_pass(self) -> None:
        check_fixtures(policy, Path(__file__).parent.parent / "fixtures")
