import assert from "node:assert/strict";
import { test } from "node:test";
import { arrange, checkFixtures } from "@pointsman/sdk/testing";
import policy from "./policy.js";

const speaking = { source: "ann", area: { x: 0, y: 0, width: 1280, height: 576 }, attributes: { role: "speaker" } };

/** Ann is large since ten seconds; levels in dBFS, null is gone. */
function scene(levels, more = {}) {
    const sources = Object.entries(levels).map(([id, audioLevelDb]) => ({ id, connected: audioLevelDb !== null, audioLevelDb }));
    return { nowUnixMs: 20_000, sinceUnixMs: 10_000, tiles: [speaking], sources, ...more };
}

const large = (levels, more, config) => arrange(policy, scene(levels, more), config).tiles[0].source;

test("somebody clearly louder takes over, somebody a little louder does not", () => {
    assert.equal(large({ ann: -20, bob: -15 }), "ann");
    assert.equal(large({ ann: -20, bob: -14 }), "bob");
    assert.equal(large({ ann: -20, bob: -15 }, {}, { margin_db: 5 }), "bob");
});

test("a speaker is held for a while", () => {
    assert.equal(large({ ann: -40, bob: -10 }, { sinceUnixMs: 18_001 }), "ann");
    assert.equal(large({ ann: -40, bob: -10 }, { sinceUnixMs: 18_000 }), "bob");
});

test("in silence nothing moves", () => {
    assert.equal(large({ ann: -80, bob: -50 }), "ann");
});

test("who was large and fell silent is left for anybody who speaks", () => {
    assert.equal(large({ ann: -46, bob: -44 }), "bob");
});

test("when the speaker leaves the loudest comes, at once", () => {
    assert.equal(large({ ann: null, bob: -80, cy: -60 }, { sinceUnixMs: 20_000 }), "cy");
});

test("the strip holds the others, side by side in the middle, and keeps within the canvas", () => {
    for (const [strip, count] of [["bottom", 3], ["right", 3], ["bottom", 40], ["right", 40]]) {
        const names = Array.from({ length: count }, (_, index) => [`guest-${index}`, -90]);
        const { tiles } = arrange(policy, scene({ ann: -10, ...Object.fromEntries(names) }), { strip });
        assert.equal(tiles.length, count + 1);
        const areas = tiles.map((tile) => tile.area);
        for (const { x, y, width, height } of areas) {
            assert.ok(x >= 0 && y >= 0 && x + width <= 1_280.001 && y + height <= 720.001, `${strip} ${count}`);
        }
        const [first, last] = [areas[1], areas.at(-1)];
        const [before, after] = strip === "bottom" ? [first.x, 1_280 - last.x - last.width] : [first.y, 720 - last.y - last.height];
        assert.ok(Math.abs(before - after) < 0.001);
    }
});

test("alone, a speaker has the whole canvas", () => {
    const { tiles } = arrange(policy, scene({ ann: -10 }));
    assert.deepEqual(tiles.map((tile) => tile.area), [{ x: 0, y: 0, width: 1_280, height: 720 }]);
});

test("the fixtures pass", () => {
    checkFixtures(policy, new URL("fixtures/", import.meta.url));
});
