"""The host's local time, from what every question but an auth one carries.

In a selection it is the time when the clip will begin, otherwise that of the decision.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone


class Moment:
    """A question that knows when it is asked."""

    __slots__ = ()

    now_unix_ms: int
    utc_offset_minutes: int

    def local_minute_of_day(self) -> int:
        """The host's local time of day, minutes since midnight; 0 to 1439."""
        return (self._moment_ms() // 60_000 + self.utc_offset_minutes) % (24 * 60)

    def local_date(self) -> date:
        """The host's local date."""
        return self.local_time().date()

    def local_time(self) -> datetime:
        """The host's local time, with its offset from UTC."""
        zone = timezone(timedelta(minutes=self.utc_offset_minutes))
        return datetime.fromtimestamp(self._moment_ms() / 1_000, zone)

    def _moment_ms(self) -> int:
        return getattr(self, "starts_unix_ms", self.now_unix_ms)


@dataclass(frozen=True)
class Span:
    """A span of the day in minutes since midnight, which may pass midnight; its end is not part of it."""

    start: int
    end: int

    @classmethod
    def parse(cls, start: str, end: str) -> "Span":
        """From times such as "22:30" and "06:00"."""
        return cls(minute_of_day(start), minute_of_day(end))

    def __contains__(self, minute: int) -> bool:
        if self.start <= self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


def minute_of_day(clock: str) -> int:
    """Minutes since midnight of a time of day such as "06:30"."""
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
