"""The layout kind: its records are those of `wit/1.0.0/layout.wit`, field for field."""

from dataclasses import KW_ONLY, dataclass, field

from ._moment import Moment
from ._pairs import Labelled
from ._shape import S32, U32, U64, Pairs, PairsLike


@dataclass(slots=True)
class Rect:
    """A rectangle. In a source: fractions of its width and height, 0 to 1. On the canvas: pixels."""

    #: Left edge.
    x: float
    #: Upper edge.
    y: float
    #: Extent to the right, above 0.
    width: float
    #: Extent downwards, above 0.
    height: float

    @classmethod
    def whole(cls) -> "Rect":
        """The part of a source that is all of it."""
        return cls(0.0, 0.0, 1.0, 1.0)


@dataclass(slots=True)
class Bezel:
    """Widths of a screen's frame, pixels of its picture; 0 or more."""

    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0


@dataclass(slots=True)
class Screen:
    """A screen of a wall, which shows its own part of the canvas."""

    #: Unique within the canvas.
    id: str
    #: Its part of the canvas, pixels.
    area: Rect
    #: Row in the wall, from 0 at the top.
    row: U32 = 0
    #: Column in the wall, from 0 at the left.
    column: U32 = 0
    #: The frames around its picture.
    bezel: Bezel = field(default_factory=Bezel)


@dataclass(slots=True)
class Canvas:
    """What is drawn on."""

    #: Pixels, 1 to 16,384.
    width: U32 = 1280
    #: Pixels, 1 to 16,384.
    height: U32 = 720
    #: Thousandths of a frame per second.
    fps_milli: U32 = 25_000
    #: The screens that show it; empty when it is not split. At most 64.
    screens: list[Screen] = field(default_factory=list)
    #: What newer hosts add.
    attributes: Pairs = field(default_factory=list)

    def area(self) -> Rect:
        """The whole canvas."""
        return Rect(0.0, 0.0, float(self.width), float(self.height))


@dataclass(slots=True)
class SceneSource(Labelled):
    """A picture that may be shown."""

    #: Unique within the scene: a stream's name or an image's.
    id: str = ""
    #: For people; may be empty.
    title: str = ""
    #: Whether pictures arrive.
    connected: bool = False
    #: Pixels; 0 when unknown.
    width: U32 = 0
    #: Pixels; 0 when unknown.
    height: U32 = 0
    #: Level of its sound over the last 400 ms, dBFS, 0 at most; None without sound.
    audio_level_db: float | None = None
    #: The operator's labels.
    labels: Pairs = field(default_factory=list)
    #: What newer hosts add.
    attributes: Pairs = field(default_factory=list)

    def filling_part(self, area: Rect) -> Rect:
        """The largest part of it, from its middle, that fills an area without being distorted.

        A source of unknown size is shown whole.
        """
        if self.width == 0 or self.height == 0:
            return Rect.whole()
        wanted = area.width / area.height
        own = self.width / self.height
        if own > wanted:
            width = wanted / own
            return Rect((1 - width) / 2, 0.0, width, 1.0)
        height = own / wanted
        return Rect(0.0, (1 - height) / 2, 1.0, height)


@dataclass(slots=True)
class Border:
    """A line around a tile, drawn inside its rectangle."""

    #: Pixels, 1 to 256.
    width: U32
    #: Red, green, blue and alpha, 8 bits each from the highest: 0xff0000ff is opaque red.
    rgba: U32


@dataclass(slots=True)
class Tile:
    """A picture on the canvas."""

    #: Id of the source. An unknown one is ignored and logged.
    source: str
    #: Where, pixels; what lies outside the canvas is cut off.
    area: Rect
    _: KW_ONLY
    #: The part of the source shown, fractions.
    part: Rect = field(default_factory=Rect.whole)
    #: Those with a higher one cover those with a lower; of equals the later covers the earlier.
    z: S32 = 0
    #: Clockwise: 0, 90, 180 or 270 degrees.
    rotation: U32 = 0
    #: Opacity, 0 (unseen) to 1.
    alpha: float = 1.0
    #: A line around it.
    border: Border | None = None
    #: Room to grow. At most 64.
    attributes: PairsLike = field(default_factory=list)


@dataclass(slots=True)
class Scene(Moment):
    """Everything there is to arrange."""

    #: The composite's name, for example "wall/lobby".
    name: str = ""
    #: Time of this decision, milliseconds since 1970-01-01T00:00:00Z.
    now_unix_ms: U64 = 0
    #: The host's offset from UTC now, minutes, east positive; -720 to +840.
    utc_offset_minutes: S32 = 0
    #: What is drawn on.
    canvas: Canvas = field(default_factory=Canvas)
    #: What may be drawn, in the operator's order. At most 256.
    sources: list[SceneSource] = field(default_factory=list)
    #: The tiles in force; empty at first.
    tiles: list[Tile] = field(default_factory=list)
    #: Since when they are, milliseconds since 1970-01-01T00:00:00Z; 0 at first.
    since_unix_ms: U64 = 0
    #: What newer hosts add.
    attributes: Pairs = field(default_factory=list)


@dataclass(slots=True)
class Arrangement:
    """What is seen from the next frame on."""

    #: Every tile; a source may have several. At most 256.
    tiles: list[Tile] = field(default_factory=list)
    #: Why, in a few words; shown to the operator.
    reason: str = ""
    #: Room to grow. At most 64.
    attributes: PairsLike = field(default_factory=list)
