"""Plays the clip that was not played for longest, and not what was played just now. See `sdk/fixtures`."""

import json

from pointsman_sdk import Clip, Library, Policy, PolicyError, SelectionRequest, load_schema

policy = Policy(
    name="least-played",
    version="1.0.0",
    description="Plays the clip that was not played for longest.",
    config_schema=load_schema(__file__),
)


@policy.selection
def select(request: SelectionRequest, library: Library, config: dict) -> Clip:
    tag = config.get("tag")
    lately = {item.asset for item in request.history[: config["avoid"]]}
    first = None
    for asset in library.assets(tag=tag):
        first = first or asset
        if asset.id not in lately:
            never = asset.last_played_unix_ms is None
            return Clip(asset.id, reason="never played" if never else "not played for longest")
    if first is not None:
        return Clip(first.id, reason="all were played lately")
    raise PolicyError(f"no asset has the tag {json.dumps(tag)}" if tag else "the library is empty")
