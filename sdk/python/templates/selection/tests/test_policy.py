import unittest
from pathlib import Path

from policy import policy
from pointsman_sdk import PolicyError, SelectionRequest
from pointsman_sdk.testing import check_fixtures, select


class PolicyTest(unittest.TestCase):
    def test_an_empty_library_is_an_error(self) -> None:
        with self.assertRaisesRegex(PolicyError, "no clip fits"):
            select(policy, SelectionRequest(), [])

    def test_the_fixtures_pass(self) -> None:
        check_fixtures(policy, Path(__file__).parent.parent / "fixtures")
