//! Lets everybody watch, and publishers in with a key.

import { allow, definePolicy, deny } from "@pointsman/sdk";
import configSchema from "./config.schema.json" with { type: "json" };
import manifest from "./package.json" with { type: "json" };

export default definePolicy({
    manifest,
    configSchema,

    auth(request, config) {
        if (request.action === "read") return allow("everybody may watch");
        if (config.keys.includes(request.token)) return allow("a valid key", { ttlMs: 60_000 });
        return deny("no valid key");
    },
});
