//! The policies that every SDK has pass the fixtures that every SDK's pass.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { checkFixture, checkFixtures } from "@pointsman/sdk/testing";

const fixtures = new URL("../../fixtures/", import.meta.url);

for (const name of ["first-heard", "least-played", "even-grid", "stream-key"]) {
    test(`${name} passes its fixtures`, async () => {
        const { default: policy } = await import(`../examples/${name}/policy.js`);
        const folder = new URL(`${name}/`, fixtures);
        assert.equal(checkFixtures(policy, folder), readdirSync(folder).length);
    });
}

test("a fixture that is not passed says where", async () => {
    const { default: policy } = await import("../examples/stream-key/policy.js");
    const question = { kind: "auth", input: { stream: "live/a", token: "secret" } };
    const config = { keys: [{ streams: "*", key: "secret" }] };
    const check = (expect) => checkFixture(policy, { question, config, expect });
    assert.deepEqual(check({ output: { allow: true, ttl_ms: 60_000 } }), []);
    assert.deepEqual(check({ output: { allow: false, ttl_ms: 1, reason: "x" } }), [
        "allow is true, not false",
        'reason is "key of *", not "x"',
        "ttl_ms is 60000, not 1",
    ]);
    assert.match(check({ error: "no" })[0], /should have failed with "no"/);
});
