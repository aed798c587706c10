"""What becomes of a policy's answers, configuration and errors."""

import math
import unittest
from dataclasses import dataclass, field

from pointsman_sdk import (
    Alert,
    Arrangement,
    AuthRequest,
    Border,
    Output,
    Plan,
    Policy,
    PolicyError,
    Rect,
    RoutingState,
    Scene,
    Severity,
    Tile,
    Verdict,
)
from pointsman_sdk.testing import arrange, authorize, fake_host, route


def routing(decide, **more) -> Policy:
    policy = Policy(name="test", version="1.0.0", **more)
    policy.routing(decide)
    return policy


def plan_of(answer) -> Plan:
    return route(routing(lambda state, config: answer), RoutingState())


class Answers(unittest.TestCase):
    def test_keys_and_values_come_as_dicts_or_lists(self) -> None:
        plan = plan_of(Plan(labels={"a": "1"}, outputs=[Output("x", params={"latency": "200"})]))
        self.assertEqual(plan.labels, [("a", "1")])
        self.assertEqual(plan.outputs[0].params, [("latency", "200")])

    def test_an_answer_that_does_not_fit_says_what_and_where(self) -> None:
        cases = [
            (None, "plan must be a Plan, not None"),
            (Plan(on_air=7), "plan.on_air must be a str, not 7"),
            (Plan(outputs=[Output("a"), Output(None)]), "plan.outputs[1].name must be a str, not None"),
            (Plan(outputs="a"), "plan.outputs must be a list, not 'a'"),
            (Plan(labels={"a": 1}), "plan.labels must be keys and values that are str, not a tuple"),
            (Plan(alerts=[Alert("x", "bad", "")]), "plan.alerts[0].severity must be one of Severity, not 'bad'"),
            (Verdict(allow=True), "plan must be a Plan, not a Verdict"),
        ]
        for answer, words in cases:
            with self.subTest(words), self.assertRaises(PolicyError) as caught:
                plan_of(answer)
            self.assertEqual(str(caught.exception), words)

    def test_a_misspelt_field_cannot_be_set(self) -> None:
        with self.assertRaises(AttributeError):
            Plan().onair = "a"

    def test_numbers_keep_within_what_the_host_takes(self) -> None:
        def tile(**more) -> Tile:
            policy = Policy(name="test", version="1.0.0")
            policy.layout(lambda scene, config: Arrangement([Tile("a", Rect(0, 0, 1, 1), **more)]))
            return arrange(policy, Scene()).tiles[0]

        for more in [{"alpha": math.nan}, {"z": 1.5}, {"z": 2**31}, {"rotation": -90}, {"border": Border(1, 2**32)}]:
            with self.subTest(more), self.assertRaisesRegex(PolicyError, r"tiles\[0\]"):
                tile(**more)
        self.assertEqual(tile(border=Border(1, 0xFF0000FF)).border.rgba, 0xFF0000FF)
        self.assertIsInstance(tile().area.x, float)

        def limit(value) -> Verdict:
            policy = Policy(name="test", version="1.0.0")
            policy.auth(lambda request, config: Verdict(allow=True, max_bitrate_bps=value))
            return authorize(policy, AuthRequest())

        self.assertEqual(limit(2**63).max_bitrate_bps, 2**63)
        for bad in [-1, 2**64, 1.0, True]:
            with self.subTest(bad), self.assertRaisesRegex(PolicyError, "max_bitrate_bps"):
                limit(bad)


class Errors(unittest.TestCase):
    def test_what_is_raised_becomes_the_operators_text_and_a_mistake_leaves_its_traceback_in_the_log(self) -> None:
        def refuse(state, config) -> Plan:
            raise PolicyError("not this stream")

        host = fake_host()
        with self.assertRaisesRegex(PolicyError, "^not this stream$"):
            route(routing(refuse), RoutingState())
        self.assertEqual(host.log, [])
        with self.assertRaisesRegex(PolicyError, "^AttributeError: "):
            route(routing(lambda state, config: state.nothing), RoutingState())
        [(level, text)] = host.log
        self.assertEqual(level, "error")
        self.assertIn("test_policy.py", text)

    def test_a_kind_that_it_has_not_is_an_error(self) -> None:
        with self.assertRaisesRegex(PolicyError, "no auth"):
            authorize(routing(lambda state, config: Plan()), AuthRequest())


class Configuration(unittest.TestCase):
    SCHEMA = {
        "properties": {
            "limit": {"type": "integer", "default": 5},
            "tags": {"type": "array", "default": []},
            "rules": {"items": {"properties": {"weight": {"default": 1}}}},
            "night": {"properties": {"start": {"default": "22:00"}}},
            "absent": {"properties": {"start": {"default": "22:00"}}},
            "whole": {"default": {}, "properties": {"part": {"default": True}}},
        },
    }

    def test_the_schemas_defaults_are_filled_in_afresh_for_every_call(self) -> None:
        seen = []

        def decide(state, config: dict) -> Plan:
            seen.append({**config, "tags": list(config["tags"])})
            config["tags"].append("spoilt")
            return Plan()

        policy = routing(decide, config_schema=self.SCHEMA)
        given = {"rules": [{}, {"weight": 3}], "night": {}, "limit": 0}
        route(policy, RoutingState(), given)
        route(policy, RoutingState(), given)
        expected = {
            "limit": 0,
            "tags": [],
            "rules": [{"weight": 1}, {"weight": 3}],
            "night": {"start": "22:00"},
            "whole": {"part": True},
        }
        self.assertEqual(seen, [expected, expected])

    def test_a_dataclass_is_made_of_it(self) -> None:
        @dataclass
        class Rule:
            weight: int = 7
            names: list[str] = field(default_factory=list)
            from_: str = ""

        @dataclass
        class Config:
            limit: float
            rule: Rule
            by_name: dict[str, Rule]
            note: str | None = None

        seen = []

        def decide(state: RoutingState, config: Config) -> Plan:
            seen.append(config)
            return Plan()

        decide.__annotations__ = {"state": RoutingState, "config": Config, "return": Plan}
        policy = routing(decide)
        route(policy, RoutingState(), {"limit": 1, "rule": {"names": ["a"], "from": "b"}, "by_name": {"x": {"weight": 1}}})
        self.assertEqual(seen, [Config(1.0, Rule(7, ["a"], "b"), {"x": Rule(1)})])
        with self.assertRaisesRegex(PolicyError, "Config needs limit, by_name"):
            route(policy, RoutingState(), {"rule": {}})
        with self.assertRaisesRegex(PolicyError, "wieght is no field of Rule; there are weight, names, from_"):
            route(policy, RoutingState(), {"limit": 1, "rule": {"wieght": 1}, "by_name": {}})


class Metadata(unittest.TestCase):
    def test_a_policy_says_what_it_is(self) -> None:
        policy = Policy(
            name="mine", version="2.1.0", license="MIT", config_schema={"type": "object"}, grants=["http:example.org"]
        )
        policy.auth(lambda request, config: Verdict.denied(""))
        policy.routing(lambda state, config: Plan())
        info = policy.describe()
        self.assertEqual((info.name, info.version, info.license, info.author), ("mine", "2.1.0", "MIT", ""))
        self.assertEqual(info.kinds, ["routing", "auth"])
        self.assertEqual(info.config_schema, '{"type": "object"}')
        self.assertEqual(info.grants, ["http:example.org"])

    def test_a_kind_is_decided_by_one_function(self) -> None:
        policy = routing(lambda state, config: Plan())
        with self.assertRaisesRegex(TypeError, "another function"):
            policy.routing(lambda state, config: Plan())

    def test_severities_are_the_cases_of_the_wit_file(self) -> None:
        self.assertEqual([it.value for it in Severity], [0, 1, 2])
