import assert from "node:assert/strict";
import { test } from "node:test";
import { checkFixtures, route } from "@pointsman/sdk/testing";
import policy from "./policy.js";

test("with no source heard the air is left as it is", () => {
    const plan = route(policy, { sources: [{ id: "main", connected: false }] });
    assert.equal(plan.onAir, null);
    assert.equal(plan.reason, "no source is heard");
});

test("the fixtures pass", () => {
    checkFixtures(policy, new URL("fixtures/", import.meta.url));
});
