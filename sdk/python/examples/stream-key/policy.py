"""Lets in whoever shows the key of the stream's pattern. See `sdk/fixtures`."""

from dataclasses import dataclass

from pointsman_sdk import AuthRequest, Policy, Verdict, load_schema, pattern

policy = Policy(
    name="stream-key",
    version="1.0.0",
    description="Lets in whoever shows the stream's key.",
    config_schema=load_schema(__file__),
)


@dataclass
class Key:
    streams: str
    key: str


@dataclass
class Config:
    keys: list[Key]


@policy.auth
def authorize(request: AuthRequest, config: Config) -> Verdict:
    rule = pattern.most_specific(config.keys, request.stream, lambda it: it.streams)
    if rule is None:
        return Verdict.denied(f"no key for {request.stream}")
    if request.token is None:
        return Verdict.denied("no key shown")
    if request.token != rule.key:
        return Verdict.denied("wrong key")
    return Verdict.allowed(f"key of {rule.streams}", ttl_ms=60_000)
