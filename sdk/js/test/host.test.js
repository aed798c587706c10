//! What the host offers, on the fake host: the store, random numbers, requests.

import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, http, kv, log, random } from "@pointsman/sdk";
import { fakeHost, httpError } from "@pointsman/sdk/testing";

test("the store keeps JSON, text and bytes, and counts writes", () => {
    const host = fakeHost({ kv: { seen: { "größe": [1, "ä€😀"] } } });
    assert.deepEqual(kv.getJson("seen"), { "größe": [1, "ä€😀"] });
    assert.equal(kv.get("seen").revision, 1);
    assert.equal(kv.setJson("seen", 2), 2);
    assert.equal(kv.set("text", '"ä"'), 1);
    assert.equal(kv.getText("text"), '"ä"');
    assert.deepEqual(kv.get("text").value, new Uint8Array([34, 0xc3, 0xa4, 34]));
    assert.equal(kv.get("nothing"), null);
    assert.equal(kv.getJson("nothing"), null);
    assert.deepEqual(kv.keys(), ["seen", "text"]);
    assert.deepEqual(kv.keys("te"), ["text"]);
    assert.equal(kv.delete("text"), true);
    assert.equal(kv.delete("text"), false);
    assert.deepEqual(host.kv(), { seen: 2 });
});

test("a write that comes too late is told, and an update tries again", () => {
    fakeHost({ kv: { count: 1 } });
    assert.throws(() => kv.compareAndSet("count", 0, "2"), { code: "conflict", revision: 1 });
    assert.equal(kv.compareAndSet("count", 1, "2"), 2);
    let calls = 0;
    const result = kv.update("count", (count) => {
        // Another call comes between, once.
        if (calls++ === 0) kv.setJson("count", 10);
        return count + 1;
    });
    assert.equal(result, 11);
    assert.equal(kv.getJson("count"), 11);
    assert.equal(kv.update("fresh", (value) => value ?? "first"), "first");
});

test("an update without a change writes nothing, and one that is always overtaken gives up", () => {
    fakeHost({ kv: { list: [1, 2] } });
    kv.update("list", (list) => [...list]);
    assert.equal(kv.get("list").revision, 1);
    let other = 0;
    assert.throws(() => kv.update("list", () => kv.setJson("list", ++other) && 0), { code: "conflict" });
});

test("what another version left is unreadable, and can be replaced", () => {
    fakeHost();
    kv.set("state", "v0: 7");
    assert.throws(() => kv.getJson("state"), { code: "unreadable" });
    assert.equal(kv.update("state", (state) => state ?? 5), 5);
    assert.equal(kv.getJson("state"), 5);
});

test("the store's bounds are the host's", () => {
    fakeHost();
    assert.throws(() => kv.set("", "x"), { code: "invalid" });
    assert.throws(() => kv.set("k".repeat(129), "x"), { code: "invalid" });
    assert.throws(() => kv.set("k", new Uint8Array(65_537)), { code: "invalid" });
    for (const key of ["a", "b", "c"]) kv.set(key, new Uint8Array(65_536));
    assert.throws(() => kv.set("d", new Uint8Array(65_536)), { code: "full", revision: null });
});

test("random numbers are those of the seed", () => {
    const draw = (seed) => {
        fakeHost({ seed });
        return [random.nextU64(), random.nextU64()];
    };
    // SplitMix64's published test values for seed 0.
    assert.deepEqual(draw(0), [0xe220a8397b1dcdafn, 0x6e789e6aa1b965f4n]);
    assert.notDeepEqual(draw(1), draw(0));
    fakeHost();
    const items = [...Array(50).keys()];
    assert.deepEqual(random.shuffled(items).sort((a, b) => a - b), items);
    const counts = [0, 0, 0];
    for (let draw = 0; draw < 3_000; draw++) counts[random.below(3)] += 1;
    assert.ok(counts.every((count) => count > 900 && count < 1_100), String(counts));
    assert.deepEqual([random.below(0), random.below(1)], [0, 0]);
    assert.ok(random.unit() >= 0 && random.unit() < 1);
    assert.equal(random.pick([]), undefined);
    assert.equal(random.bytes(12).length, 12);
});

test("the clock stands still", () => {
    fakeHost({ nowUnixMs: 1_800_000_000_000 });
    assert.equal(clock.nowUnixMs(), 1_800_000_000_000);
});

test("a request has defaults, an answer is read as text or JSON", () => {
    const host = fakeHost({ http: () => ({ status: 201, headers: { "x-a": "1" }, body: { ok: "ä" } }) });
    const answer = http.fetch("https://example.org/", { json: { a: 1 }, headers: { "X-B": "2" }, timeoutMs: 100 });
    assert.ok(answer.ok);
    assert.equal(answer.header("X-A"), "1");
    assert.equal(answer.header("nothing"), null);
    assert.deepEqual(answer.json(), { ok: "ä" });
    const [request] = host.requests;
    assert.equal(request.method, "POST");
    assert.deepEqual(request.headers, [["X-B", "2"], ["content-type", "application/json"]]);
    assert.equal(new TextDecoder().decode(request.body), '{"a":1}');
    assert.equal(request.timeoutMs, 100);
    http.fetch("https://example.org/");
    assert.equal(host.requests[1].method, "GET");
    assert.equal(host.requests[1].body, null);
});

test("why there is no answer has a code", () => {
    fakeHost({ http: () => { throw httpError("timeout"); } });
    assert.throws(() => http.fetch("https://example.org/"), { code: "timeout", message: "https://example.org/: no answer in time" });
    fakeHost();
    assert.throws(() => http.fetch("https://example.org/"), { code: "denied" });
    assert.throws(() => http.fetch("https://example.org/", { retries: 3 }), /retries is no field/);
});

test("lines carry their level", () => {
    const host = fakeHost();
    log.warn("hm");
    log.debug(7);
    assert.deepEqual(host.log, [{ level: "warn", message: "hm" }, { level: "debug", message: "7" }]);
});
