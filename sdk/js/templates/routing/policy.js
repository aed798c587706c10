//! Puts the first source that is heard on air, and runs the outputs that the operator declared.

import { definePolicy, heardWithin, keepDeclared } from "@pointsman/sdk";
import configSchema from "./config.schema.json" with { type: "json" };
import manifest from "./package.json" with { type: "json" };

export default definePolicy({
    manifest,
    configSchema,

    routing(state, config) {
        const source = state.sources.find((it) => heardWithin(it, config.max_age_ms));
        return {
            ...keepDeclared(state),
            onAir: source?.id,
            reason: source ? `${source.id} is heard` : "no source is heard",
        };
    },
});
