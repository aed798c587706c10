import assert from "node:assert/strict";
import { test } from "node:test";
import { checkFixtures, select } from "@pointsman/sdk/testing";
import policy from "./policy.js";

test("an empty library is an error", () => {
    assert.throws(() => select(policy, {}, []), { message: "no clip fits" });
});

test("the fixtures pass", () => {
    checkFixtures(policy, new URL("fixtures/", import.meta.url));
});
