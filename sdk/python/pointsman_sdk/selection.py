"""The selection kind: its records are those of `wit/1.0.0/selection.wit` and `library.wit`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ._moment import Moment
from ._pairs import Labelled
from ._shape import S32, U32, U64, Pairs, PairsLike, WitEnum

#: Assets that the host hands out at once.
PAGE = 256

#: The first pages are short: most policies find what they look for on the first.
_FIRST_PAGE = 16


@dataclass(slots=True)
class PlayedItem:
    """Something played or queued."""

    #: The asset's id.
    asset: str = ""
    #: Where it began within the asset, milliseconds.
    start_ms: U64 = 0
    #: Where it ended within the asset, milliseconds.
    end_ms: U64 = 0
    #: When it began or will begin, milliseconds since 1970-01-01T00:00:00Z.
    at_unix_ms: U64 = 0


@dataclass(slots=True)
class SelectionRequest(Moment, Labelled):
    """What is asked for when a channel needs its next clip."""

    #: The channel, for example "channels/one".
    channel: str = ""
    #: Time of this decision, milliseconds since 1970-01-01T00:00:00Z.
    now_unix_ms: U64 = 0
    #: The host's offset from UTC now, minutes, east positive; -720 to +840.
    utc_offset_minutes: S32 = 0
    #: When the clip will begin, milliseconds since 1970-01-01T00:00:00Z.
    starts_unix_ms: U64 = 0
    #: The length that is wished for, milliseconds; None: a whole clip.
    wanted_ms: U64 | None = None
    #: What was played or is queued, the latest first. At most 256.
    history: list[PlayedItem] = field(default_factory=list)
    #: The operator's labels of the channel.
    labels: Pairs = field(default_factory=list)
    #: What newer hosts add.
    attributes: Pairs = field(default_factory=list)


@dataclass(slots=True)
class PlayedSegment:
    """A part of an asset that was played."""

    #: Where it began within the asset, milliseconds.
    start_ms: U64 = 0
    #: Where it ended within the asset, milliseconds.
    end_ms: U64 = 0
    #: When it was last played, milliseconds since 1970-01-01T00:00:00Z.
    played_unix_ms: U64 = 0


@dataclass(slots=True)
class Asset:
    """A clip of a library."""

    #: Unique within the library, the same as long as the clip exists.
    id: str = ""
    #: For people.
    title: str = ""
    #: Folder within the library, parts joined by "/"; "" at the top.
    folder: str = ""
    #: Length, milliseconds.
    duration_ms: U64 = 0
    #: In byte order.
    tags: list[str] = field(default_factory=list)
    #: When any of it was last played, milliseconds since 1970-01-01T00:00:00Z; None: never.
    last_played_unix_ms: U64 | None = None
    #: How often any of it was played.
    plays: U32 = 0
    #: The parts played, by start.
    segments: list[PlayedSegment] = field(default_factory=list)
    #: When it came into the library, milliseconds since 1970-01-01T00:00:00Z.
    added_unix_ms: U64 = 0
    #: What newer hosts add.
    attributes: Pairs = field(default_factory=list)


@dataclass(slots=True)
class Filter:
    """Which assets; both conditions hold together."""

    #: In this folder or below it.
    folder: str | None = None
    #: With this tag.
    tag: str | None = None


class Order(WitEnum):
    """In which order a library is looked through."""

    #: Never played first (by id), then the longest not played.
    LEAST_RECENTLY_PLAYED = 0
    #: By id, in byte order.
    ID = 1
    #: The newest first.
    NEWEST = 2


class Library:
    """The clips that a channel may play, lent for the time of a call and looked at in pages."""

    __slots__ = ("_catalogue",)

    def __init__(self, catalogue: Any) -> None:
        self._catalogue = catalogue

    def count(self, *, folder: str | None = None, tag: str | None = None) -> int:
        """How many assets there are."""
        return self._catalogue.count(Filter(folder, tag))

    def page(
        self,
        *,
        folder: str | None = None,
        tag: str | None = None,
        order: Order = Order.LEAST_RECENTLY_PLAYED,
        offset: int = 0,
        limit: int = PAGE,
    ) -> list[Asset]:
        """At most `limit` assets, at most 256, from `offset`."""
        return self._catalogue.page(Filter(folder, tag), order, offset, limit)

    def get(self, id: str) -> Asset | None:
        """One asset; None if there is none of that id."""
        return self._catalogue.get(id)

    def assets(
        self,
        *,
        folder: str | None = None,
        tag: str | None = None,
        order: Order = Order.LEAST_RECENTLY_PLAYED,
    ) -> Iterator[Asset]:
        """All assets one by one, fetched a page after the other as they are looked at."""
        offset, limit = 0, _FIRST_PAGE
        while True:
            page = self.page(folder=folder, tag=tag, order=order, offset=offset, limit=limit)
            yield from page
            if len(page) < limit:
                return
            offset += len(page)
            limit = min(limit * 4, PAGE)


@dataclass(slots=True)
class Clip:
    """What plays next."""

    #: The asset's id.
    asset: str
    #: Where to begin within the asset, milliseconds.
    start_ms: U64 = 0
    #: Where to end, milliseconds; None: at its end.
    end_ms: U64 | None = None
    #: Why, in a few words; shown to the operator.
    reason: str = ""
    #: Room to grow. At most 64.
    attributes: PairsLike = field(default_factory=list)
