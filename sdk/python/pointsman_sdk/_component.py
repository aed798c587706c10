"""What componentize-py looks for in a component's main module, made of a policy.

Its runtime builds the records that it hands over with the classes it finds in the modules that
were generated from the WIT files, and finds them after the main module was imported. So `exports`
puts the classes of this SDK there first: a policy gets its own `RoutingState`, with methods,
without anything being converted.
"""

import importlib
from collections.abc import Callable
from typing import Any

from componentize_py_types import Err  # type: ignore[import-not-found]

from . import auth, layout, routing, selection
from ._error import PolicyError
from .policy import Policy


def _tile(source: str, part: layout.Rect, area: layout.Rect, *rest: Any) -> layout.Tile:
    """A tile from its fields in the order of the WIT file."""
    names = ("z", "rotation", "alpha", "border", "attributes")
    return layout.Tile(source, area, part=part, **dict(zip(names, rest)))


#: Of each kind: generated modules, names in them, and what stands for those.
_CLASSES: dict[str, dict[str, dict[str, Any]]] = {
    "routing": {
        "exports.routing": {
            "State": routing.RoutingState,
            "Source": routing.Source,
            "Video": routing.Video,
            "Audio": routing.Audio,
            "OutputState": routing.OutputState,
        },
    },
    "selection": {
        "exports.selection": {"Request": selection.SelectionRequest, "Item": selection.PlayedItem},
        "imports.library": {"Asset": selection.Asset, "PlayedSegment": selection.PlayedSegment},
    },
    "layout": {
        "exports.layout": {
            "Scene": layout.Scene,
            "Canvas": layout.Canvas,
            "Screen": layout.Screen,
            "Bezel": layout.Bezel,
            "Rect": layout.Rect,
            "Source": layout.SceneSource,
            "Tile": _tile,
            "Border": layout.Border,
        },
    },
    "auth": {"exports.auth": {"Request": auth.AuthRequest, "Action": auth.AuthAction}},
}

_CALLS = {"routing": "route", "selection": "select", "layout": "arrange", "auth": "authorize"}


def exports(policy: Policy) -> dict[str, type]:
    """The classes of the component's exports, by name."""
    for kind in policy.kinds:
        for module, classes in _CLASSES[kind].items():
            _replace(importlib.import_module(f"wit_world.{module}"), classes)
    described = policy.describe()
    made = {kind.capitalize(): type(kind.capitalize(), (), {_CALLS[kind]: _call(policy, kind)}) for kind in policy.kinds}
    return made | {"Metadata": type("Metadata", (), {"describe": lambda self: described})}


def _replace(module: Any, classes: dict[str, Any]) -> None:
    for name, mine in classes.items():
        if not hasattr(module, name):
            raise ImportError(f"{module.__name__} has no {name}: this SDK does not suit the WIT files or componentize-py")
        setattr(module, name, mine)


def _call(policy: Policy, kind: str) -> Callable[..., Any]:
    def call(self: Any, question: Any, *rest: Any) -> Any:
        *lent, config = rest
        try:
            return policy.decide(kind, [question, *(selection.Library(catalogue) for catalogue in lent)], config)
        except PolicyError as error:
            raise Err(str(error)) from None

    return call
