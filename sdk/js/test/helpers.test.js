//! The conveniences over records, names and times.

import assert from "node:assert/strict";
import { test } from "node:test";
import { definePolicy, fillingPart, heardWithin, keepDeclared, localDate, localMinuteOfDay, minuteOfDay, onAir, pattern, shortName, valueOf, WHOLE, within } from "@pointsman/sdk";
import { select } from "@pointsman/sdk/testing";

test("a source is heard while it is connected and its packets are fresh", () => {
    const source = (connected, packetAgeMs) => ({ connected, packetAgeMs });
    assert.equal(heardWithin(source(true, 500), 500), true);
    assert.equal(heardWithin(source(true, 501), 500), false);
    assert.equal(heardWithin(source(true, null), Infinity), false);
    assert.equal(heardWithin(source(false, 0), 500), false);
});

test("declared outputs that are enabled are kept", () => {
    const outputs = [
        { name: "a", declared: true, enabled: true },
        { name: "b", declared: true, enabled: false },
        { name: "c", declared: false, enabled: true },
    ];
    assert.deepEqual(keepDeclared({ outputs }), { outputs: [{ name: "a" }] });
});

test("the source on air, names and keys are found, or null", () => {
    assert.equal(onAir({ sources: [{ id: "a" }, { id: "b", onAir: true }] }).id, "b");
    assert.equal(onAir({ sources: [] }), null);
    assert.equal(shortName("live/studio/cam1"), "cam1");
    assert.equal(shortName("cam1"), "cam1");
    assert.equal(valueOf([["a", "1"], ["a", "2"]], "a"), "1");
    assert.equal(valueOf([], "a"), null);
});

test("a star stands for any run, slashes included, and the rest must be there", () => {
    const fits = [["*", ""], ["live/*", "live/a/b"], ["*/cam*", "studio/cam1"], ["a*b*c", "axxbxbc"], ["a", "a"]];
    const not = [["live/*", "live"], ["*cam1", "cam12"], ["a*b*c", "acb"], ["ab*ba", "aba"], ["", "a"], ["a", "ab"]];
    for (const [it, name] of fits) assert.ok(pattern.matches(it, name), `${it} ${name}`);
    for (const [it, name] of not) assert.ok(!pattern.matches(it, name), `${it} ${name}`);
});

test("an exact name beats a pattern of as many letters, and of equals the first is taken", () => {
    const best = (...patterns) => pattern.mostSpecific(patterns, "live/a", (it) => it);
    assert.equal(best("*", "live/a*", "live/a", "live/*"), "live/a");
    assert.equal(best("*live/", "live/*", "l*ive/"), "live/*");
    assert.equal(best("test/*"), null);
    const rules = [{ on: "live/*", id: 1 }, { on: "live/*", id: 2 }];
    assert.equal(pattern.mostSpecific(rules, "live/a", (it) => it.on).id, 1);
});

test("local time wraps over midnight in both directions", () => {
    const at = (hours, utcOffsetMinutes) => ({ nowUnixMs: hours * 3_600_000, utcOffsetMinutes });
    assert.equal(localMinuteOfDay(at(23, 120)), 60);
    assert.equal(localMinuteOfDay(at(0, -60)), 23 * 60);
    assert.deepEqual(localDate(at(0, -60)), { year: 1969, month: 12, day: 31, weekday: 2 });
    assert.equal(localMinuteOfDay({ nowUnixMs: 0, startsUnixMs: 3_600_000, utcOffsetMinutes: 0 }), 60);
    assert.equal(minuteOfDay("06:30"), 390);
    assert.ok(within(0, minuteOfDay("22:00"), minuteOfDay("06:00")));
    assert.ok(!within(360, minuteOfDay("22:00"), minuteOfDay("06:00")));
    assert.ok(!within(5, 5, 5));
});

test("a picture fills an area from its middle", () => {
    const wide = { width: 200, height: 100 };
    assert.deepEqual(fillingPart(wide, { width: 100, height: 100 }), { x: 0.25, y: 0, width: 0.5, height: 1 });
    assert.deepEqual(fillingPart(wide, { width: 400, height: 100 }), { x: 0, y: 0.25, width: 1, height: 0.5 });
    assert.equal(fillingPart({ width: 0, height: 0 }, { width: 1, height: 1 }), WHOLE);
});

test("a library is walked through page after page, and no further than is looked", () => {
    const assets = Array.from({ length: 1_000 }, (_, index) => ({ id: String(index).padStart(4, "0"), tags: index % 2 ? ["odd"] : [], folder: index < 10 ? "a/b" : "ab" }));
    let looked;
    const policy = definePolicy({ name: "t", version: "1", selection: (_, library) => looked(library) });
    const ask = (look) => {
        looked = (library) => ({ asset: "x", reason: String(look(library)) });
        return select(policy, {}, assets).reason;
    };
    assert.equal(ask((it) => [...it.assets({ order: "id" })].length), "1000");
    assert.equal(ask((it) => [...it.assets({ tag: "odd" })].at(-1).id), "0999");
    assert.equal(ask((it) => it.count()), "1000");
    assert.equal(ask((it) => it.count({ folder: "a" })), "10");
    assert.equal(ask((it) => it.page({ limit: 1_000 }).length), "256");
    assert.equal(ask((it) => it.page({ order: "id", offset: 998 }).map((asset) => asset.id)), "0998,0999");
    assert.equal(ask((it) => it.get("nothing")), "null");
    assert.throws(() => ask((it) => it.count({ tags: "odd" })), /not by tags/);
});
