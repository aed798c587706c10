//! What becomes of a policy's answers, configuration and errors.

import assert from "node:assert/strict";
import { test } from "node:test";
import { definePolicy, PolicyError } from "@pointsman/sdk";
import { arrange, authorize, fakeHost, route } from "@pointsman/sdk/testing";

const about = { name: "test", version: "1.0.0" };
const routing = (decide, more = {}) => definePolicy({ ...about, ...more, routing: decide });

test("what a plan leaves out is filled in", () => {
    const plan = route(routing(() => ({ outputs: [{ name: "a", params: { latency: "200" } }] })), {});
    assert.deepEqual(plan, {
        onAir: null,
        failover: [],
        slate: null,
        outputs: [{ name: "a", url: null, params: [["latency", "200"]], attributes: [] }],
        serve: null,
        labels: [],
        alerts: [],
        reason: "",
        attributes: [],
    });
});

test("a list that is empty is not the same as none", () => {
    assert.deepEqual(route(routing(() => ({ serve: [] })), {}).serve, []);
});

test("keys and values come as objects, maps or lists", () => {
    for (const labels of [{ a: "1" }, new Map([["a", "1"]]), [["a", "1"]]]) {
        assert.deepEqual(route(routing(() => ({ labels })), {}).labels, [["a", "1"]]);
    }
});

test("an answer that does not fit says what and where", () => {
    const cases = [
        [undefined, "plan must be an object, not undefined"],
        [{ onair: "a" }, "plan.onair is no field; did you mean onAir?"],
        [{ on_air: "a" }, "plan.on_air is no field; did you mean onAir?"],
        [{ onAir: 7 }, "plan.onAir must be a string, not 7"],
        [{ outputs: [{ name: "a" }, {}] }, "plan.outputs[1].name is missing"],
        [{ outputs: "a" }, 'plan.outputs must be a list, not "a"'],
        [{ labels: { a: 1 } }, "plan.labels must be keys and values that are strings, not a list"],
        [{ alerts: [{ code: "x", severity: "bad" }] }, 'plan.alerts[0].severity must be one of info, warning, critical, not "bad"'],
        [Promise.resolve({}), "plan must be"],
    ];
    for (const [answer, words] of cases) {
        assert.throws(() => route(routing(() => answer), {}), { message: new RegExp(`^${words.replace(/[.?*+[\](){}|\\]/g, "\\$&")}`) });
    }
});

test("numbers keep within what the host takes", () => {
    const tile = (more) => definePolicy({
        ...about,
        layout: () => ({ tiles: [{ source: "a", area: { x: 0, y: 0, width: 1, height: 1 }, ...more }] }),
    });
    const bad = [{ alpha: NaN }, { z: 1.5 }, { z: 2 ** 31 }, { rotation: -90 }, { border: { width: 1, rgba: 2 ** 32 } }];
    for (const more of bad) assert.throws(() => arrange(tile(more), {}), /tiles\[0\]/);
    const border = { width: 1, rgba: 0xff0000ff };
    assert.deepEqual(arrange(tile({ border }), {}).tiles[0].border, border);

    const limit = (maxBitrateBps) => definePolicy({ ...about, auth: () => ({ allow: true, maxBitrateBps }) });
    assert.equal(authorize(limit(5_000_000n), {}).maxBitrateBps, 5_000_000);
    for (const bad of [-1, 2 ** 53, Infinity, "1"]) assert.throws(() => authorize(limit(bad), {}), /maxBitrateBps/);
});

test("what is thrown becomes the operator's text, and a mistake leaves its stack in the log", () => {
    const host = fakeHost();
    assert.throws(() => route(routing(() => { throw new PolicyError("not this stream"); }), {}), { message: "not this stream" });
    assert.throws(() => route(routing(() => { throw "plain text"; }), {}), { message: "plain text" });
    assert.deepEqual(host.log, []);
    assert.throws(() => route(routing((state) => state.nothing.at), {}), { message: /^TypeError: / });
    assert.equal(host.log.length, 1);
    assert.equal(host.log[0].level, "error");
    assert.match(host.log[0].message, /policy\.test\.js/);
});

test("the schema's defaults are filled in, afresh for every call", () => {
    const configSchema = {
        properties: {
            limit: { type: "integer", default: 5 },
            tags: { type: "array", default: [] },
            rules: { items: { properties: { weight: { default: 1 } } } },
            night: { properties: { from: { default: "22:00" } } },
            absent: { properties: { from: { default: "22:00" } } },
            whole: { default: {}, properties: { part: { default: true } } },
        },
    };
    const seen = [];
    const policy = routing((_, config) => {
        seen.push(JSON.stringify(config));
        config.tags.push("spoilt");
        return {};
    }, { configSchema });
    const given = { rules: [{}, { weight: 3 }], night: {}, limit: 0 };
    route(policy, {}, given);
    route(policy, {}, given);
    assert.deepEqual(JSON.parse(seen[0]), {
        limit: 0, tags: [], rules: [{ weight: 1 }, { weight: 3 }], night: { from: "22:00" }, whole: { part: true },
    });
    assert.equal(seen[0], seen[1]);
});

test("a policy says what it is, from its package.json and beside it", () => {
    const manifest = {
        name: "@me/policy", version: "2.1.0", description: "Does.", license: "MIT", type: "module",
        author: { name: "Me", email: "me@example.org" },
    };
    const policy = definePolicy({ manifest, name: "mine", grants: ["http:example.org"], configSchema: { type: "object" }, auth: () => ({ allow: false }), routing: () => ({}) });
    assert.deepEqual(policy.metadata.describe(), {
        name: "mine", version: "2.1.0", description: "Does.", author: "Me <me@example.org>", license: "MIT",
        kinds: ["routing", "auth"], configSchema: '{"type":"object"}', grants: ["http:example.org"], attributes: [],
    });
    assert.deepEqual(Object.keys(policy), ["metadata", "routing", "auth"]);
});

test("a definition that cannot be meant is refused", () => {
    assert.throws(() => definePolicy(about), /at least one kind/);
    assert.throws(() => definePolicy({ ...about, route: () => ({}) }), /knows no route/);
    assert.throws(() => definePolicy({ ...about, routing: {} }), /must be a function/);
    assert.throws(() => definePolicy({ name: "x", routing: () => ({}) }), /version is missing/);
});
