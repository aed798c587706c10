import assert from "node:assert/strict";
import { test } from "node:test";
import { authorize, checkFixtures } from "@pointsman/sdk/testing";
import policy from "./policy.js";

const config = { keys: ["correct-horse"] };

test("a publisher with a key is let in, and asked again", () => {
    const verdict = authorize(policy, { action: "publish", token: "correct-horse" }, config);
    assert.equal(verdict.allow, true);
    assert.equal(verdict.ttlMs, 60_000);
});

test("the fixtures pass", () => {
    checkFixtures(policy, new URL("fixtures/", import.meta.url));
});
