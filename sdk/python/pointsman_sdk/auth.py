"""The auth kind: its records are those of `wit/1.0.0/auth.wit`, field for field."""

from dataclasses import dataclass, field
from typing import Any

from ._shape import U16, U32, U64, OrderedPairs, Pairs, PairsLike, WitEnum


class AuthAction(WitEnum):
    """What is wanted."""

    #: To feed a stream.
    PUBLISH = 0
    #: To watch a stream.
    READ = 1
    #: To call the API; `attributes` carry "method" and "path".
    API = 2


@dataclass(slots=True)
class AuthRequest:
    """Who wants what."""

    #: What is wanted.
    action: AuthAction = AuthAction.READ
    #: "rtmp", "srt", "hls", "http" and others to come.
    protocol: str = ""
    #: The stream's name; empty for an API call that concerns none.
    stream: str = ""
    #: The peer's address without port: "192.0.2.7" or "2001:db8::7".
    peer_ip: str = "127.0.0.1"
    #: The peer's port.
    peer_port: U16 = 0
    #: The user it claims to be.
    user: str | None = None
    #: The secret it shows.
    token: str | None = None
    #: Every pair of the URL's query, in order. At most 64.
    query: OrderedPairs = field(default_factory=list)
    #: Time of this decision, milliseconds since 1970-01-01T00:00:00Z.
    now_unix_ms: U64 = 0
    #: Whether it was let in before and is asked for again, since its time to live ended.
    renewal: bool = False
    #: What newer hosts add.
    attributes: Pairs = field(default_factory=list)


@dataclass(slots=True)
class Verdict:
    """The answer."""

    #: Whether it may.
    allow: bool
    #: Why, in a few words; shown to the operator, never to the peer.
    reason: str = ""
    #: Another name for the stream, so that a key can stand for it; None leaves it.
    stream: str | None = None
    #: Bits per second over a few seconds above which it is cut off; None: no limit.
    max_bitrate_bps: U64 | None = None
    #: Milliseconds after which it is cut off; None: no limit.
    max_duration_ms: U64 | None = None
    #: Readers of the stream beyond which a reader is turned away; None: no limit.
    max_readers: U32 | None = None
    #: Milliseconds after which it is asked again; None: never. At least 1,000.
    ttl_ms: U64 | None = None
    #: Room to grow. At most 64.
    attributes: PairsLike = field(default_factory=list)

    @classmethod
    def allowed(cls, reason: str, **limits: Any) -> "Verdict":
        """Lets in; `limits` are further fields, such as `ttl_ms`."""
        return cls(allow=True, reason=reason, **limits)

    @classmethod
    def denied(cls, reason: str) -> "Verdict":
        """Turns away."""
        return cls(allow=False, reason=reason)
