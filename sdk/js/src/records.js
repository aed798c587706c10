//! The shapes of what policies answer and say of themselves: the outgoing records of
//! `wit/1.0.0`, field for field.

import { choice, flag, list, number, optional, otherwise, pairs, record, required, s32, text, u32, u64 } from "./shape.js";

export const output = record({
    name: required(text),
    url: optional(text),
    params: pairs,
    attributes: pairs,
});

const alert = record({
    code: required(text),
    severity: choice("info", "warning", "critical"),
    message: text,
});

export const plan = record({
    onAir: optional(text),
    failover: list(text),
    slate: optional(text),
    outputs: list(output),
    serve: optional(list(text)),
    labels: pairs,
    alerts: list(alert),
    reason: text,
    attributes: pairs,
});

export const clip = record({
    asset: required(text),
    startMs: u64,
    endMs: optional(u64),
    reason: text,
    attributes: pairs,
});

export const rect = record({
    x: required(number),
    y: required(number),
    width: required(number),
    height: required(number),
});

const border = record({ width: required(u32), rgba: required(u32) });

export const tile = record({
    source: required(text),
    part: otherwise(rect, () => ({ x: 0, y: 0, width: 1, height: 1 })),
    area: rect,
    z: s32,
    rotation: u32,
    alpha: otherwise(number, () => 1),
    border: optional(border),
    attributes: pairs,
});

export const arrangement = record({
    tiles: list(tile),
    reason: text,
    attributes: pairs,
});

export const verdict = record({
    allow: required(flag),
    reason: text,
    stream: optional(text),
    maxBitrateBps: optional(u64),
    maxDurationMs: optional(u64),
    maxReaders: optional(u32),
    ttlMs: optional(u64),
    attributes: pairs,
});

export const info = record({
    name: required(text),
    version: required(text),
    description: text,
    author: text,
    license: text,
    kinds: list(text),
    configSchema: required(text),
    grants: list(text),
    attributes: pairs,
});
