import assert from "node:assert/strict";
import { test } from "node:test";
import { arrange, checkFixtures } from "@pointsman/sdk/testing";
import policy from "./policy.js";

test("a wide picture loses its sides rather than its shape", () => {
    const source = { id: "a", connected: true, width: 200, height: 100 };
    const { tiles } = arrange(policy, { canvas: { width: 100, height: 100 }, sources: [source] });
    assert.deepEqual(tiles[0].part, { x: 0.25, y: 0, width: 0.5, height: 1 });
});

test("the fixtures pass", () => {
    checkFixtures(policy, new URL("fixtures/", import.meta.url));
});
