//! Plays the clip that was not played for longest.

import { definePolicy, PolicyError } from "@pointsman/sdk";
import configSchema from "./config.schema.json" with { type: "json" };
import manifest from "./package.json" with { type: "json" };

export default definePolicy({
    manifest,
    configSchema,

    selection(request, library, config) {
        const [asset] = library.page({ tag: config.tag, order: "least-recently-played", limit: 1 });
        if (asset === undefined) throw new PolicyError("no clip fits");
        return { asset: asset.id, reason: "not played for longest" };
    },
});
