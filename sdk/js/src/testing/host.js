//! The host as a test wants it.

import { splitMix } from "../host/native/splitmix.js";
import { hostError, reset, state } from "../host/native/state.js";
import { fit, optional, orderedPairs, record, u16 } from "../shape.js";
import { decode, encode } from "../utf8.js";

const responseHead = record({ status: u16, headers: orderedPairs, body: optional((body) => body) });

/**
 * Sets up what the policy finds: `nowUnixMs` and `seed` for clock and random numbers, `kv` (keys
 * to JSON values, each at revision 1), `http` (from a request to `{ status, headers, body }`, or
 * throw an `httpError`). Everything else is forgotten.
 *
 * Returns what the policy left: `log` and `requests`, and `kv()`, its entries as JSON values.
 */
export function fakeHost({ nowUnixMs = 0, seed = 0, kv = {}, http } = {}) {
    reset();
    state.nowUnixMs = nowUnixMs;
    state.draw = splitMix(BigInt(seed));
    for (const [key, value] of Object.entries(kv)) {
        state.entries.set(key, { value: encode(JSON.stringify(value)), revision: 1 });
    }
    if (http) state.answer = (request) => lower(http(request));
    return {
        log: state.log,
        requests: state.requests,
        kv: () => Object.fromEntries([...state.entries].map(([key, entry]) => [key, JSON.parse(decode(entry.value))])),
    };
}

/** An error to throw from `http`: "denied", "invalid", "timeout", "failed" or "too-big". */
export function httpError(code, words) {
    return hostError({ tag: code, val: words });
}

function lower(answer) {
    const { status, headers, body } = fit(responseHead, "response", { status: 200, ...answer });
    const text = typeof body === "string" || body instanceof Uint8Array ? body : body === null ? "" : JSON.stringify(body);
    return { status, headers, body: typeof text === "string" ? encode(text) : text };
}
