"""A policy's definition: what it says of itself, and a function for each kind it has."""

import json
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from . import log
from ._config import reader, with_defaults
from ._error import PolicyError
from ._shape import Pairs, PairsLike, ShapeError, lower
from .auth import Verdict
from .layout import Arrangement
from .routing import Plan
from .selection import Clip

Function = TypeVar("Function", bound=Callable[..., Any])

#: The kinds of policy and what each answers, in the order of the metadata.
ANSWERS: dict[str, type] = {"routing": Plan, "selection": Clip, "layout": Arrangement, "auth": Verdict}


@dataclass(slots=True)
class Info:
    """What a component says of itself: `wit/1.0.0/metadata.wit`, field for field."""

    name: str
    version: str
    description: str
    author: str
    license: str
    kinds: list[str]
    config_schema: str
    grants: list[str]
    attributes: PairsLike = field(default_factory=list)


class Policy:
    """A policy. Its functions are registered with decorators, one for each kind it has::

        policy = Policy(name="first-heard", version="1.0.0", config_schema=load_schema(__file__))

        @policy.routing
        def route(state: RoutingState, config: dict) -> Plan:
            return Plan.keep_declared(state)

    A `config` annotated with a dataclass is made one. Whatever a function raises becomes the text
    that the operator reads; an exception other than a `PolicyError` also leaves its traceback in the log.
    """

    def __init__(
        self,
        *,
        name: str,
        version: str,
        description: str = "",
        author: str = "",
        license: str = "",
        config_schema: Mapping[str, Any] | None = None,
        grants: Iterable[str] = (),
        attributes: PairsLike = (),  # type: ignore[assignment]
    ) -> None:
        self._schema = dict(config_schema or {})
        self._decide: dict[str, Callable[[list[Any], str], Any]] = {}
        self._info = Info(
            name, version, description, author, license, [], json.dumps(self._schema), list(grants), _listed(attributes)
        )

    def routing(self, decide: Function) -> Function:
        """Registers what decides on a stream: `(state, config) -> Plan`."""
        return self._register("routing", decide)

    def selection(self, decide: Function) -> Function:
        """Registers what chooses clips: `(request, library, config) -> Clip`."""
        return self._register("selection", decide)

    def layout(self, decide: Function) -> Function:
        """Registers what arranges pictures: `(scene, config) -> Arrangement`."""
        return self._register("layout", decide)

    def auth(self, decide: Function) -> Function:
        """Registers what lets in: `(request, config) -> Verdict`."""
        return self._register("auth", decide)

    @property
    def kinds(self) -> list[str]:
        """The kinds it has."""
        return [kind for kind in ANSWERS if kind in self._decide]

    def describe(self) -> Info:
        """What it says of itself."""
        self._info.kinds = self.kinds
        return lower("the policy", Info, self._info)

    def decide(self, kind: str, asked: list[Any], config: str) -> Any:
        """One decision: a checked answer, or a `PolicyError` with the operator's text."""
        if kind not in self._decide:
            raise PolicyError(f"the policy has no {kind}")
        try:
            return self._decide[kind](asked, config)
        except (PolicyError, ShapeError) as error:
            raise PolicyError(str(error)) from error
        except Exception as error:
            log.error(traceback.format_exc())
            raise PolicyError(f"{type(error).__name__}: {error}") from error

    def _register(self, kind: str, decide: Function) -> Function:
        if kind in self._decide:
            raise TypeError(f"{kind} is decided by another function already")
        answer = ANSWERS[kind]
        read = reader(decide)

        def call(asked: list[Any], config: str) -> Any:
            given = read(with_defaults(self._schema, json.loads(config)))
            return lower(answer.__name__.lower(), answer, decide(*asked, given))

        self._decide[kind] = call
        return decide


def load_schema(file: str, name: str = "config.schema.json") -> dict[str, Any]:
    """The JSON Schema in a file beside a policy: `load_schema(__file__)`.

    Read when the policy is imported, and so part of the component.
    """
    return json.loads(Path(file).with_name(name).read_text("utf-8"))


def _listed(attributes: Any) -> Pairs:
    return list(attributes.items()) if isinstance(attributes, Mapping) else list(attributes)
