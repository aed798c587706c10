"""Puts the first source that is heard on air; the others stand in. See `sdk/fixtures`."""

from dataclasses import dataclass

from pointsman_sdk import Alert, Plan, Policy, RoutingState, Severity, load_schema

policy = Policy(
    name="first-heard",
    version="1.0.0",
    description="Puts the first source that is heard on air.",
    config_schema=load_schema(__file__),
)


@dataclass
class Config:
    max_age_ms: int


@policy.routing
def route(state: RoutingState, config: Config) -> Plan:
    plan = Plan.keep_declared(state)
    source = next((it for it in state.sources if it.heard_within(config.max_age_ms)), None)
    plan.failover = [it.id for it in state.sources if it.connected and it is not source]
    if source is None:
        plan.reason = "no source is heard"
        plan.alerts = [Alert("no-source", Severity.CRITICAL, plan.reason)]
        return plan
    plan.on_air = source.id
    plan.reason = f"{source.id} is heard"
    return plan
