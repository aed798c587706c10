//! The shapes of what policies are asked: the incoming records of `wit/1.0.0`, field for field.
//! Everything may be left out, so that a test says only what matters to it.

import { rect, tile } from "../records.js";
import { choice, flag, list, number, optional, orderedPairs, otherwise, pairs, record, s32, text, u16, u32, u64 } from "../shape.js";

const nowhere = otherwise(rect, () => ({ x: 0, y: 0, width: 1, height: 1 }));

const video = record({ codec: text, width: u32, height: u32, fpsMilli: u32, attributes: pairs });

const audio = record({ codec: text, sampleRateHz: u32, channels: u32, attributes: pairs });

export const source = record({
    id: text,
    protocol: text,
    connected: flag,
    onAir: flag,
    bitrateBps: u64,
    packetAgeMs: optional(u64),
    continuityErrors: u64,
    uptimeMs: u64,
    video: optional(video),
    audio: optional(audio),
    attributes: pairs,
});

export const outputState = record({
    name: text,
    url: text,
    declared: flag,
    enabled: flag,
    state: text,
    sinceUnixMs: u64,
    attempt: u32,
    bitrateBps: u64,
    drops: u64,
    attributes: pairs,
});

export const routingState = record({
    stream: text,
    nowUnixMs: u64,
    utcOffsetMinutes: s32,
    labels: pairs,
    sources: list(source),
    outputs: list(outputState),
    readers: u32,
    attributes: pairs,
});

const playedItem = record({ asset: text, startMs: u64, endMs: u64, atUnixMs: u64 });

export const selectionRequest = record({
    channel: text,
    nowUnixMs: u64,
    utcOffsetMinutes: s32,
    startsUnixMs: u64,
    wantedMs: optional(u64),
    history: list(playedItem),
    labels: pairs,
    attributes: pairs,
});

const playedSegment = record({ startMs: u64, endMs: u64, playedUnixMs: u64 });

export const asset = record({
    id: text,
    title: text,
    folder: text,
    durationMs: u64,
    tags: list(text),
    lastPlayedUnixMs: optional(u64),
    plays: u32,
    segments: list(playedSegment),
    addedUnixMs: u64,
    attributes: pairs,
});

const bezel = record({ left: number, top: number, right: number, bottom: number });

const screen = record({
    id: text,
    area: nowhere,
    row: u32,
    column: u32,
    bezel: otherwise(bezel, () => ({ left: 0, top: 0, right: 0, bottom: 0 })),
});

const canvas = record({
    width: u32,
    height: u32,
    fpsMilli: u32,
    screens: list(screen),
    attributes: pairs,
});

export const sceneSource = record({
    id: text,
    title: text,
    connected: flag,
    width: u32,
    height: u32,
    audioLevelDb: optional(number),
    labels: pairs,
    attributes: pairs,
});

export const scene = record({
    name: text,
    nowUnixMs: u64,
    utcOffsetMinutes: s32,
    canvas: otherwise(canvas, () => canvas({ width: 1_280, height: 720, fpsMilli: 25_000 })),
    sources: list(sceneSource),
    tiles: list(tile),
    sinceUnixMs: u64,
    attributes: pairs,
});

export const authRequest = record({
    action: otherwise(choice("publish", "read", "api"), () => "read"),
    protocol: text,
    stream: text,
    peerIp: otherwise(text, () => "127.0.0.1"),
    peerPort: u16,
    user: optional(text),
    token: optional(text),
    query: orderedPairs,
    nowUnixMs: u64,
    renewal: flag,
    attributes: pairs,
});
