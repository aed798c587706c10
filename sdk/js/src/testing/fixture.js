//! Fixtures: a question, a configuration and the answer that is right. See `sdk/fixtures`.

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { fakeHost, httpError } from "./host.js";
import { KINDS, decide } from "./decide.js";
import { fromJson, toJson } from "./json.js";

/** How far two numbers that are equal may be apart. */
const TOLERANCE = 1e-6;

/**
 * Runs every fixture (`*.json`) of a folder natively; throws an error that names each one that
 * the policy does not pass, and where. Returns how many there were.
 */
export function checkFixtures(policy, folder) {
    const path = typeof folder === "string" ? folder : fileURLToPath(folder);
    const files = readdirSync(path).filter((name) => name.endsWith(".json")).sort();
    if (files.length === 0) throw new Error(`${path} holds no fixture`);
    const failed = files.flatMap((name) => {
        const fixture = JSON.parse(readFileSync(join(path, name), "utf8"));
        return checkFixture(policy, fixture).map((difference) => `${basename(name, ".json")}: ${difference}`);
    });
    if (failed.length > 0) throw new Error(`fixtures of ${path} that fail:\n  ${failed.join("\n  ")}`);
    return files.length;
}

/** What is wrong with the answer to one fixture; nothing, if it passes. */
export function checkFixture(policy, { question, config = {}, library = [], kv = {}, http = [], expect }) {
    const kind = KINDS[question.kind];
    const input = fromJson(kind.question, question.input);
    fakeHost({ nowUnixMs: input.nowUnixMs ?? 0, kv, http: web(http) });
    let answer;
    try {
        answer = decide(policy, question.kind, input, { config, library: fromJson(kind.library, library) });
    } catch (error) {
        if (expect.error === undefined) return [`failed with "${error.message}"`];
        return error.message.includes(expect.error) ? [] : [`failed with "${error.message}", not with "${expect.error}"`];
    }
    const output = toJson(kind.answer, answer);
    if (expect.error !== undefined) return [`answered ${JSON.stringify(output)} and should have failed with "${expect.error}"`];
    const right = toJson(kind.answer, kind.answer(fromJson(kind.answer, expect.output)));
    // A reason that is not given may be anything.
    if (expect.output.reason === undefined) right.reason = output.reason;
    return [...differences(right, output, "")];
}

/** The world of a fixture: what it has no answer to is denied. */
const web = (answers) => ({ method, url }) => {
    const found = answers.find((it) => it.url === url && (it.method ?? "GET") === method);
    if (found === undefined) throw httpError("denied", `the fixture has no answer to ${method} ${url}`);
    const { status = 200, headers = {}, body = null } = found;
    const lowered = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
    return { status, headers: lowered, body };
};

/** The places where two JSON values differ. */
function* differences(right, given, place) {
    if (typeof right === "number" && typeof given === "number") {
        if (Math.abs(right - given) > TOLERANCE) yield `${place} is ${given}, not ${right}`;
        return;
    }
    const both = [right, given];
    if (both.some((value) => value === null || typeof value !== "object")) {
        if (right !== given) yield `${place} is ${JSON.stringify(given)}, not ${JSON.stringify(right)}`;
        return;
    }
    for (const key of new Set(both.flatMap(Object.keys))) {
        const there = Array.isArray(right) ? `${place}[${key}]` : place ? `${place}.${key}` : key;
        yield* differences(right[key] ?? null, given[key] ?? null, there);
    }
}
