"""Puts the first source that is heard on air, and runs the outputs that the operator declared."""

from pointsman_sdk import Plan, Policy, RoutingState, load_schema

policy = Policy(
    name="{{name}}",
    version="0.1.0",
    description="Puts the first source that is heard on air.",
    config_schema=load_schema(__file__),
)


@policy.routing
def route(state: RoutingState, config: dict) -> Plan:
    plan = Plan.keep_declared(state)
    source = next((it for it in state.sources if it.heard_within(config["max_age_ms"])), None)
    plan.on_air = source.id if source else None
    plan.reason = f"{source.id} is heard" if source else "no source is heard"
    return plan
