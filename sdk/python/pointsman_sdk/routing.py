"""The routing kind: its records are those of `wit/1.0.0/routing.wit`, field for field."""

from dataclasses import dataclass, field

from ._moment import Moment
from ._pairs import Labelled
from ._shape import S32, U32, U64, Pairs, PairsLike, WitEnum


@dataclass(slots=True)
class Video:
    """A video track."""

    #: Lower case: "h264", "hevc", "av1", "mpeg2".
    codec: str = ""
    #: Pixels; 0 when unknown.
    width: U32 = 0
    #: Pixels; 0 when unknown.
    height: U32 = 0
    #: Thousandths of a frame per second (29.97 is 29970); 0 when unknown.
    fps_milli: U32 = 0
    #: What newer hosts add.
    attributes: Pairs = field(default_factory=list)


@dataclass(slots=True)
class Audio:
    """An audio track."""

    #: Lower case: "aac", "mp2", "ac3", "opus".
    codec: str = ""
    #: Samples per second; 0 when unknown.
    sample_rate_hz: U32 = 0
    #: Channels, the low-frequency one included; 0 when unknown.
    channels: U32 = 0
    #: What newer hosts add.
    attributes: Pairs = field(default_factory=list)


@dataclass(slots=True)
class Source:
    """A source that may be put on air."""

    #: Unique within the stream, the same as long as the source exists.
    id: str = ""
    #: "udp", "srt", "rtmp" and others to come.
    protocol: str = ""
    #: Whether the source is up: bytes arrive, or its peer is connected.
    connected: bool = False
    #: Whether it is the one on air. At most one source is.
    on_air: bool = False
    #: Bits per second over the last second or so; 0 when nothing arrives.
    bitrate_bps: U64 = 0
    #: Milliseconds since the last packet; None when there never was one.
    packet_age_ms: U64 | None = None
    #: Continuity counter errors or lost messages since it connected.
    continuity_errors: U64 = 0
    #: Milliseconds since it connected; 0 when it is not connected.
    uptime_ms: U64 = 0
    #: The first video track, once its headers were seen.
    video: Video | None = None
    #: The first audio track, once its headers were seen.
    audio: Audio | None = None
    #: What newer hosts add.
    attributes: Pairs = field(default_factory=list)

    def heard_within(self, max_age_ms: int) -> bool:
        """Whether it is connected and its last packet came within the given milliseconds."""
        return self.connected and self.packet_age_ms is not None and self.packet_age_ms <= max_age_ms


@dataclass(slots=True)
class OutputState:
    """An output as it stands now."""

    #: Unique within the stream.
    name: str = ""
    #: Where it sends, for example "udp://127.0.0.1:6000".
    url: str = ""
    #: Whether the operator declared it; if not, an earlier plan asked for it.
    declared: bool = False
    #: Whether the operator wants it. A plan may leave it out, or run it all the same.
    enabled: bool = False
    #: "stopped", "connecting", "live", "retrying", "failed", "exhausted" or "source_lost".
    state: str = ""
    #: Since when it stands there, milliseconds since 1970-01-01T00:00:00Z.
    since_unix_ms: U64 = 0
    #: Attempts since it was last stable; 0 before the first.
    attempt: U32 = 0
    #: Bits per second that its peer took over the last second or so.
    bitrate_bps: U64 = 0
    #: Packets or access units dropped since it was started, because its peer was too slow.
    drops: U64 = 0
    #: What newer hosts add.
    attributes: Pairs = field(default_factory=list)


@dataclass(slots=True)
class RoutingState(Moment, Labelled):
    """One stream as it stands now."""

    #: The stream's name, for example "live/cam1".
    stream: str = ""
    #: Time of this decision, milliseconds since 1970-01-01T00:00:00Z.
    now_unix_ms: U64 = 0
    #: The host's offset from UTC now, minutes, east positive; -720 to +840.
    utc_offset_minutes: S32 = 0
    #: The operator's labels of the stream. Keys are unique.
    labels: Pairs = field(default_factory=list)
    #: Candidate sources, the operator's first choice first.
    sources: list[Source] = field(default_factory=list)
    #: Outputs that are declared or that an earlier plan asked for.
    outputs: list[OutputState] = field(default_factory=list)
    #: Viewers now, over every protocol; outputs do not count.
    readers: U32 = 0
    #: What newer hosts add.
    attributes: Pairs = field(default_factory=list)

    def on_air(self) -> Source | None:
        """The source on air, if any."""
        return next((source for source in self.sources if source.on_air), None)

    def short_name(self) -> str:
        """The stream's name after its last slash."""
        return self.stream.rsplit("/", 1)[-1]


@dataclass(slots=True)
class Output:
    """An output that shall run."""

    #: Unique within the plan. The name of a declared output means that one.
    name: str
    #: Where to send; None takes the declared output's own.
    url: str | None = None
    #: Parameters that go before those of the url's query, for example {"latency": "200"}.
    params: PairsLike = field(default_factory=list)
    #: Room to grow.
    attributes: PairsLike = field(default_factory=list)


class Severity(WitEnum):
    """How much an alert matters."""

    #: Good to know.
    INFO = 0
    #: Something to look into.
    WARNING = 1
    #: Viewers are hurt, or soon will be.
    CRITICAL = 2


@dataclass(slots=True)
class Alert:
    """Something an operator should know of."""

    #: Names the condition, so that it is told once however often it is decided: "no-backup".
    code: str
    #: How much it matters.
    severity: Severity
    #: For people.
    message: str


@dataclass(slots=True)
class Plan:
    """What is wanted from now on. The host compares it with what runs and touches only what differs."""

    #: Id of the source to put on air; None leaves it as it is. An unknown id is ignored and logged.
    on_air: str | None = None
    #: Ids of sources that stand in, best first, while the one above does not deliver. At most 32.
    failover: list[str] = field(default_factory=list)
    #: Id of the source to show when none of those above delivers.
    slate: str | None = None
    #: Every output that shall run; one that is left out is stopped. At most 200.
    outputs: list[Output] = field(default_factory=list)
    #: Protocols that viewers may take the stream over ("hls", "srt", "rtmp"); None allows all.
    serve: list[str] | None = None
    #: Labels that the stream shall have beside the operator's, whose win. At most 64.
    labels: PairsLike = field(default_factory=list)
    #: What an operator should know of, as long as it is in the plan. At most 32.
    alerts: list[Alert] = field(default_factory=list)
    #: Why, in a few words; shown to the operator.
    reason: str = ""
    #: Room to grow. At most 64.
    attributes: PairsLike = field(default_factory=list)

    @classmethod
    def keep_declared(cls, state: RoutingState) -> "Plan":
        """The plan that runs what the operator declared and enabled, and changes nothing else."""
        running = (output for output in state.outputs if output.declared and output.enabled)
        return cls(outputs=[Output(output.name) for output in running])
