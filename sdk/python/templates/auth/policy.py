"""Lets everybody watch, and publishers in with a key."""

from pointsman_sdk import AuthAction, AuthRequest, Policy, Verdict, load_schema

policy = Policy(
    name="{{name}}",
    version="0.1.0",
    description="Lets everybody watch, and publishers in with a key.",
    config_schema=load_schema(__file__),
)


@policy.auth
def authorize(request: AuthRequest, config: dict) -> Verdict:
    if request.action is AuthAction.READ:
        return Verdict.allowed("everybody may watch")
    if request.token in config["keys"]:
        return Verdict.allowed("a valid key", ttl_ms=60_000)
    return Verdict.denied("no valid key")
