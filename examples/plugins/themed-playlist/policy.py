"""Plays what suits the time of day and the season, and not the same again and again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from pointsman_sdk import (
    Asset,
    Clip,
    Library,
    Policy,
    PolicyError,
    SelectionRequest,
    Span,
    load_schema,
    random,
)

policy = Policy(
    name="themed-playlist",
    version="1.0.0",
    description="Plays what suits the time of day and the season.",
    author="The Pointsman authors",
    license="Apache-2.0 OR MIT",
    config_schema=load_schema(__file__),
)

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

#: Whether a clip may be played.
Fits = Callable[[Asset], bool]


@dataclass
class Part:
    """A part of the day, with the clips that suit it."""

    name: str
    from_: str
    to: str
    days: list[str] = field(default_factory=lambda: list(DAYS))
    tags: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)

    def holds(self, time: datetime) -> bool:
        """Whether it is this part of the day."""
        minute = time.hour * 60 + time.minute
        span = Span.parse(self.from_, self.to)
        # After midnight it is still the evening of the day before.
        began = time if minute >= span.start else time - timedelta(days=1)
        return minute in span and DAYS[began.weekday()] in self.days

    def suits(self, asset: Asset) -> bool:
        """Whether a clip has one of its tags or lies in one of its folders."""
        below = (asset.folder == it or asset.folder.startswith(f"{it}/") for it in self.folders)
        return any(tag in self.tags for tag in asset.tags) or any(below)


@dataclass
class Season:
    """A time of the year, with the clips that are played in no other."""

    tag: str
    from_: str
    to: str
    percent: int = 50

    def holds(self, time: datetime) -> bool:
        """Whether it is this time of the year, its last day included; it may pass New Year."""
        today = time.strftime("%m-%d")
        if self.from_ <= self.to:
            return self.from_ <= today <= self.to
        return today >= self.from_ or today <= self.to


@dataclass
class Config:
    """The operator's settings, as `config.schema.json` describes them."""

    parts: list[Part]
    seasons: list[Season] = field(default_factory=list)
    no_repeat: int = 10
    choices: int = 3


@policy.selection
def select(request: SelectionRequest, library: Library, config: Config) -> Clip:
    time = request.local_time()
    lately = {item.asset for item in request.history[: config.no_repeat]}
    over = {season.tag for season in config.seasons if not season.holds(time)}

    def in_season(asset: Asset) -> bool:
        return over.isdisjoint(asset.tags)

    for reason, tag, fits in themes(config, time):
        candidates = (it for it in library.assets(tag=tag) if in_season(it) and fits(it))
        fresh = (it for it in candidates if it.id not in lately)
        choices = list(islice(fresh, config.choices))
        if choices:
            return Clip(random.pick(choices).id, reason=reason)
    # Everything was played lately: better again than nothing.
    for asset in library.assets():
        if in_season(asset):
            return Clip(asset.id, reason="all that fits was played lately")
    raise PolicyError("the library has no clip for this season")


def themes(config: Config, time: datetime) -> Iterator[tuple[str, str | None, Fits]]:
    """What to look for, one after the other: reason, tag to look up, and what a clip must be."""
    for season in config.seasons:
        if season.holds(time) and random.below(100) < season.percent:
            yield f"season {season.tag}", season.tag, lambda asset: True
    part = next((part for part in config.parts if part.holds(time)), None)
    if part is not None:
        # A part with one tag is looked up by it: a large library is not walked through.
        tag = part.tags[0] if len(part.tags) == 1 and not part.folders else None
        yield f"part {part.name}", tag, part.suits
    yield "nothing suits the hour: any clip", None, lambda asset: True
