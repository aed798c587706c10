"""The policies that every SDK has pass the fixtures that every SDK's pass."""

import importlib.util
import unittest
from pathlib import Path

from pointsman_sdk import Policy
from pointsman_sdk.testing import check_fixture, check_fixtures

HERE = Path(__file__).parent
FIXTURES = HERE.parent.parent / "fixtures"


def load(name: str) -> Policy:
    spec = importlib.util.spec_from_file_location("policy", HERE.parent / "examples" / name / "policy.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.policy


class Conformance(unittest.TestCase):
    def test_every_policy_passes_its_fixtures(self) -> None:
        for name in ["first-heard", "least-played", "even-grid", "stream-key"]:
            with self.subTest(name):
                folder = FIXTURES / name
                self.assertEqual(check_fixtures(load(name), folder), len(list(folder.iterdir())))

    def test_a_fixture_that_is_not_passed_says_where(self) -> None:
        policy = load("stream-key")
        fixture = {
            "question": {"kind": "auth", "input": {"stream": "live/a", "token": "secret"}},
            "config": {"keys": [{"streams": "*", "key": "secret"}]},
        }

        def check(expect: dict) -> list[str]:
            return check_fixture(policy, fixture | {"expect": expect})

        self.assertEqual(check({"output": {"allow": True, "ttl_ms": 60_000}}), [])
        self.assertEqual(
            check({"output": {"allow": False, "ttl_ms": 1, "reason": "x"}}),
            ["allow is True, not False", "reason is 'key of *', not 'x'", "ttl_ms is 60000, not 1"],
        )
        self.assertRegex(check({"error": "no"})[0], "should have failed with 'no'")
