"""For unit tests of policies with unittest or pytest: a fake host, decisions, fixtures."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import _fakes
from ._error import PolicyError
from ._fakes import HttpRequest, HttpResponse
from ._shape import from_json, to_json
from .auth import AuthRequest, Verdict
from .layout import Arrangement, Scene
from .policy import ANSWERS, Policy
from .routing import Plan, RoutingState
from .selection import Asset, Clip, Filter, Library, Order, SelectionRequest

QUESTIONS: dict[str, type] = {
    "routing": RoutingState,
    "selection": SelectionRequest,
    "layout": Scene,
    "auth": AuthRequest,
}

#: How far two numbers that are equal may be apart.
_TOLERANCE = 1e-6


# ---- decisions ----------------------------------------------------------------------------------


def route(policy: Policy, state: RoutingState, config: Mapping[str, Any] | None = None) -> Plan:
    """The plan for a stream. Raises a `PolicyError` with the text that the operator would read."""
    return policy.decide("routing", [state], json.dumps(config or {}))


def select(
    policy: Policy,
    request: SelectionRequest,
    library: Iterable[Asset],
    config: Mapping[str, Any] | None = None,
) -> Clip:
    """The clip for a channel, out of these assets."""
    return policy.decide("selection", [request, lend(library)], json.dumps(config or {}))


def arrange(policy: Policy, scene: Scene, config: Mapping[str, Any] | None = None) -> Arrangement:
    """The tiles of a composite."""
    return policy.decide("layout", [scene], json.dumps(config or {}))


def authorize(policy: Policy, request: AuthRequest, config: Mapping[str, Any] | None = None) -> Verdict:
    """The verdict on a peer."""
    return policy.decide("auth", [request], json.dumps(config or {}))


def lend(assets: Iterable[Asset]) -> Library:
    """A library of these assets."""
    return Library(_Catalogue(list(assets)))


class _Catalogue:
    """The resource `catalogue`, as the host lends one."""

    def __init__(self, assets: list[Asset]) -> None:
        self._assets = assets

    def count(self, filter: Filter) -> int:
        return len(self._chosen(filter))

    def page(self, filter: Filter, order: Order, offset: int, limit: int) -> list[Asset]:
        orders: dict[Order, Callable[[Asset], Any]] = {
            # Never played first, by id; then the longest not played.
            Order.LEAST_RECENTLY_PLAYED: lambda it: (
                -1 if it.last_played_unix_ms is None else it.last_played_unix_ms,
                it.id.encode(),
            ),
            Order.ID: lambda it: it.id.encode(),
            Order.NEWEST: lambda it: (-it.added_unix_ms, it.id.encode()),
        }
        chosen = sorted(self._chosen(filter), key=orders[order])
        return chosen[offset : offset + min(limit, 256)]

    def get(self, id: str) -> Asset | None:
        return next((asset for asset in self._assets if asset.id == id), None)

    def _chosen(self, filter: Filter) -> list[Asset]:
        def below(folder: str) -> bool:
            return not filter.folder or folder == filter.folder or folder.startswith(f"{filter.folder}/")

        return [it for it in self._assets if below(it.folder) and (filter.tag is None or filter.tag in it.tags)]


# ---- the host -----------------------------------------------------------------------------------


@dataclass
class FakeHost:
    """What a policy left."""

    #: Lines it wrote: level ("trace", "debug", "info", "warn" or "error") and text.
    log: list[tuple[str, str]]
    #: Requests it made.
    requests: list[HttpRequest]
    _entries: dict[str, _fakes.Entry]

    def kv(self) -> dict[str, Any]:
        """Its entries now, as JSON values."""
        return {key: json.loads(entry.value) for key, entry in self._entries.items()}


def fake_host(
    *,
    now_unix_ms: int = 0,
    seed: int = 0,
    kv: Mapping[str, Any] | None = None,
    http: Callable[[HttpRequest], HttpResponse] | None = None,
) -> FakeHost:
    """Sets up what the policy finds from now on; everything else is forgotten.

    `kv` are keys and JSON values, each at revision 1. `http` answers requests with `response`,
    or raises an `http_error`.
    """
    state = _fakes.State(now_unix_ms=now_unix_ms, numbers=_fakes.split_mix(seed))
    state.entries = {key: _fakes.Entry(json.dumps(value).encode(), 1) for key, value in (kv or {}).items()}
    if http is not None:
        state.answer = http
    _fakes.reset(state)
    return FakeHost(state.log, state.requests, state.entries)


def response(status: int = 200, body: Any = b"", headers: Mapping[str, str] | None = None) -> HttpResponse:
    """An answer; a body that is neither text nor bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return HttpResponse(status, list((headers or {}).items()), content)


def http_error(code: str, words: str = "") -> Exception:
    """An exception to raise in place of an answer: "denied", "invalid", "timeout", "failed" or "too-big"."""
    variants = {
        "denied": _fakes.Error_Denied(words),
        "invalid": _fakes.Error_Invalid(words),
        "timeout": _fakes.Error_Timeout(),
        "failed": _fakes.Error_Failed(words),
        "too-big": _fakes.Error_TooBig(),
    }
    return _fakes.Err(variants[code])


# ---- fixtures -----------------------------------------------------------------------------------


def check_fixtures(policy: Policy, folder: str | Path) -> int:
    """Runs every fixture (`*.json`) of a folder natively. Returns how many there were.

    Raises an AssertionError that names each one that the policy does not pass, and where.
    """
    files = sorted(Path(folder).glob("*.json"))
    if not files:
        raise AssertionError(f"{folder} holds no fixture")
    failed = [
        f"{file.stem}: {difference}"
        for file in files
        for difference in check_fixture(policy, json.loads(file.read_text("utf-8")))
    ]
    if failed:
        raise AssertionError("\n  ".join([f"fixtures of {folder} that fail:", *failed]))
    return len(files)


def check_fixture(policy: Policy, fixture: Mapping[str, Any]) -> list[str]:
    """What is wrong with the answer to one fixture, already parsed; empty if it passes."""
    kind, expect = fixture["question"]["kind"], fixture["expect"]
    question = from_json(QUESTIONS[kind], fixture["question"]["input"])
    fake_host(now_unix_ms=question.now_unix_ms, kv=fixture.get("kv"), http=_web(fixture.get("http") or []))
    asked = [question]
    if kind == "selection":
        asked.append(lend(from_json(list[Asset], fixture.get("library") or [])))
    try:
        answer = policy.decide(kind, asked, json.dumps(fixture.get("config") or {}))
    except PolicyError as error:
        if "error" not in expect:
            return [f"failed with {str(error)!r}"]
        return [] if expect["error"] in str(error) else [f"failed with {str(error)!r}, not with {expect['error']!r}"]
    output = to_json(ANSWERS[kind], answer)
    if "error" in expect:
        return [f"answered {json.dumps(output)} and should have failed with {expect['error']!r}"]
    right = to_json(ANSWERS[kind], from_json(ANSWERS[kind], expect["output"]))
    if expect["output"].get("reason") is None:
        right["reason"] = output["reason"]  # may be anything
    return list(_differences(right, output, ""))


def _web(answers: list[Mapping[str, Any]]) -> Callable[[HttpRequest], HttpResponse]:
    """The world of a fixture: what it has no answer to is denied."""

    def answer(request: HttpRequest) -> HttpResponse:
        for it in answers:
            if (it.get("method", "GET"), it["url"]) == (request.method, request.url):
                headers = {name.lower(): value for name, value in it.get("headers", {}).items()}
                body = it.get("body")
                return response(it.get("status", 200), b"" if body is None else body, headers)
        raise http_error("denied", f"the fixture has no answer to {request.method} {request.url}")

    return answer


def _differences(right: Any, given: Any, place: str) -> Iterable[str]:
    """The places where two JSON values differ."""
    if isinstance(right, dict) and isinstance(given, dict):
        for key in [*right, *(key for key in given if key not in right)]:
            yield from _differences(right.get(key), given.get(key), f"{place}.{key}" if place else key)
    elif isinstance(right, list) and isinstance(given, list):
        for index in range(max(len(right), len(given))):
            pair = [values[index] if index < len(values) else None for values in (right, given)]
            yield from _differences(*pair, f"{place}[{index}]")
    elif _is_number(right) and _is_number(given):
        if abs(right - given) > _TOLERANCE:
            yield f"{place} is {given}, not {right}"
    elif right != given:
        yield f"{place} is {given!r}, not {right!r}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
