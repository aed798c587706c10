//! Plays the clip that was not played for longest, and not what was played just now. See
//! `sdk/fixtures`.

import { definePolicy, PolicyError } from "@pointsman/sdk";
import configSchema from "../../../fixtures/least-played.schema.json" with { type: "json" };

export default definePolicy({
    name: "least-played",
    version: "1.0.0",
    description: "Plays the clip that was not played for longest.",
    configSchema,

    selection(request, library, { tag, avoid }) {
        const lately = new Set(request.history.slice(0, avoid).map((item) => item.asset));
        let first = null;
        for (const asset of library.assets({ tag })) {
            first ??= asset;
            if (lately.has(asset.id)) continue;
            const never = asset.lastPlayedUnixMs === null;
            return { asset: asset.id, reason: never ? "never played" : "not played for longest" };
        }
        if (first !== null) return { asset: first.id, reason: "all were played lately" };
        throw new PolicyError(tag ? `no asset has the tag ${JSON.stringify(tag)}` : "the library is empty");
    },
});
