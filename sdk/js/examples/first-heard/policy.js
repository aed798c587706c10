//! Puts the first source that is heard on air; the others stand in. See `sdk/fixtures`.

import { definePolicy, heardWithin, keepDeclared } from "@pointsman/sdk";
import configSchema from "../../../fixtures/first-heard.schema.json" with { type: "json" };

export default definePolicy({
    name: "first-heard",
    version: "1.0.0",
    description: "Puts the first source that is heard on air.",
    configSchema,

    routing(state, config) {
        const plan = keepDeclared(state);
        const source = state.sources.find((it) => heardWithin(it, config.max_age_ms));
        const others = state.sources.filter((it) => it.connected && it !== source);
        plan.failover = others.map((it) => it.id);
        if (source === undefined) {
            plan.reason = "no source is heard";
            plan.alerts = [{ code: "no-source", severity: "critical", message: plan.reason }];
            return plan;
        }
        plan.onAir = source.id;
        plan.reason = `${source.id} is heard`;
        return plan;
    },
});
