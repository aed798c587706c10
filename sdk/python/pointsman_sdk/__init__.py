"""What a Pointsman policy written in Python imports.

A policy decides, the host moves the media. It keeps nothing between calls, so that it can be
replaced while media flows. What the host offers besides the question is in the modules `log`,
`clock`, `random`, `kv` and `http`; a component imports only those that the policy imports.
"""

from ._error import PolicyError
from ._moment import Span, minute_of_day
from ._pairs import value_of
from ._shape import ShapeError
from .auth import AuthAction, AuthRequest, Verdict
from .layout import Arrangement, Bezel, Border, Canvas, Rect, Scene, SceneSource, Screen, Tile
from .policy import Policy, load_schema
from .routing import Alert, Audio, Output, OutputState, Plan, RoutingState, Severity, Source, Video
from .selection import Asset, Clip, Library, Order, PlayedItem, PlayedSegment, SelectionRequest

__all__ = [
    "Alert", "Arrangement", "Asset", "Audio", "AuthAction", "AuthRequest", "Bezel", "Border",
    "Canvas", "Clip", "Library", "Order", "Output", "OutputState", "Plan", "PlayedItem",
    "PlayedSegment", "Policy", "PolicyError", "Rect", "RoutingState", "Scene", "SceneSource",
    "Screen", "SelectionRequest", "Severity", "ShapeError", "Source", "Span", "Tile", "Verdict",
    "Video", "load_schema", "minute_of_day", "value_of",
]  # fmt: skip
