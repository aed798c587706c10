//! Shows whoever speaks large, and the others in a strip.
//!
//! It keeps nothing between decisions: who is large now says the scene itself, by the attribute
//! `role` of the tile in force, and since when says `sinceUnixMs`.

import { canvasArea, definePolicy, fillingPart, rect, valueOf } from "@pointsman/sdk";
import configSchema from "./config.schema.json" with { type: "json" };
import manifest from "./package.json" with { type: "json" };

/** Pixels of the line around the speaker. */
const FRAME = 4;

export default definePolicy({
    manifest,
    configSchema,

    layout(scene, config) {
        const present = scene.sources.filter((source) => source.connected);
        if (present.length === 0) return { tiles: [], reason: "nobody is there" };
        const { speaker, reason } = choose(scene, present, config);
        const others = config.strip === "none" ? [] : present.filter((source) => source !== speaker);
        const [stage, strip] = split(scene.canvas, others.length === 0 ? "none" : config.strip, config.strip_share);
        const border = config.frame_rgba === 0 ? null : { width: FRAME, rgba: config.frame_rgba };
        const large = { ...tile(speaker, stage), border, attributes: { role: "speaker" } };
        const places = row(strip, others.length, config.strip);
        return { tiles: [large, ...others.map((source, index) => tile(source, places[index]))], reason };
    },
});

/** Who is large from now on, and why. */
function choose(scene, present, { silence_db, margin_db, hold_ms }) {
    const level = (source) => source.audioLevelDb ?? -Infinity;
    const inForce = scene.tiles.find((it) => valueOf(it.attributes, "role") === "speaker");
    const current = present.find((source) => source.id === inForce?.source);
    const loudest = present.reduce((best, source) => (level(source) > level(best) ? source : best));
    if (current === undefined) {
        return { speaker: loudest, reason: `${loudest.id} is the loudest` };
    }
    if (level(loudest) <= silence_db) {
        return { speaker: current, reason: `nobody speaks, ${current.id} stays` };
    }
    if (scene.nowUnixMs - scene.sinceUnixMs < hold_ms) {
        return { speaker: current, reason: `${current.id} is held` };
    }
    if (level(current) > silence_db && level(loudest) < level(current) + margin_db) {
        return { speaker: current, reason: `${current.id} speaks` };
    }
    return { speaker: loudest, reason: `${loudest.id} took over` };
}

/** The canvas, as the large picture's part and the strip. */
function split(canvas, strip, share) {
    const whole = canvasArea(canvas);
    if (strip === "bottom") {
        const height = Math.round(whole.height * (1 - share));
        return [rect(0, 0, whole.width, height), rect(0, height, whole.width, whole.height - height)];
    }
    if (strip === "right") {
        const width = Math.round(whole.width * (1 - share));
        return [rect(0, 0, width, whole.height), rect(width, 0, whole.width - width, whole.height)];
    }
    return [whole, null];
}

/** So many places side by side, or below one another, in the middle of a strip. */
function row(strip, count, direction) {
    if (count === 0) return [];
    const along = direction === "bottom" ? strip.width : strip.height;
    const across = direction === "bottom" ? strip.height : strip.width;
    // Pictures are 16:9 as long as there is room for it.
    const wanted = direction === "bottom" ? (across * 16) / 9 : (across * 9) / 16;
    const length = Math.min(wanted, along / count);
    const start = (along - length * count) / 2;
    return Array.from({ length: count }, (_, index) => {
        const at = start + index * length;
        return direction === "bottom"
            ? rect(strip.x + at, strip.y, length, across)
            : rect(strip.x, strip.y + at, across, length);
    });
}

function tile(source, area) {
    return { source: source.id, part: fillingPart(source, area), area };
}
