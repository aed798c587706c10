import unittest
from pathlib import Path

from policy import policy
from pointsman_sdk import AuthAction, AuthRequest
from pointsman_sdk.testing import authorize, check_fixtures


class PolicyTest(unittest.TestCase):
    def test_a_publisher_with_a_key_is_let_in_and_asked_again(self) -> None:
        request = AuthRequest(AuthAction.PUBLISH, token="correct-horse")
        verdict = authorize(policy, request, {"keys": ["correct-horse"]})
        self.assertTrue(verdict.allow)
        self.assertEqual(verdict.ttl_ms, 60_000)

    def test_the_fixtures_pass(self) -> None:
        check_fixtures(policy, Path(__file__).parent.parent / "fixtures")
