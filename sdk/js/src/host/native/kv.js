//! The store, with the bounds that the host has when nothing else is configured.

import { encode } from "../../utf8.js";
import { hostError, state } from "./state.js";

const KEY_BYTES = 128;
const VALUE_BYTES = 64 * 1_024;
const KEYS = 1_024;
const TOTAL_BYTES = 256 * 1_024;

function write(key, value) {
    const keyBytes = encode(key).length;
    if (keyBytes === 0 || keyBytes > KEY_BYTES) {
        throw hostError({ tag: "invalid", val: `a key has 1 to ${KEY_BYTES} bytes` });
    }
    if (value.length > VALUE_BYTES) {
        throw hostError({ tag: "invalid", val: `a value has at most ${VALUE_BYTES} bytes` });
    }
    const others = [...state.entries].filter(([name]) => name !== key);
    const used = others.reduce((sum, [name, entry]) => sum + encode(name).length + entry.value.length, 0);
    if (others.length + 1 > KEYS || used + keyBytes + value.length > TOTAL_BYTES) throw hostError({ tag: "full" });
    const revision = (state.entries.get(key)?.revision ?? 0) + 1;
    state.entries.set(key, { value: Uint8Array.from(value), revision });
    return revision;
}

export default {
    get: (key) => state.entries.get(key) ?? null,
    set: write,
    compareAndSet(key, revision, value) {
        const now = state.entries.get(key)?.revision ?? 0;
        if (now !== revision) throw hostError({ tag: "conflict", val: now });
        return write(key, value);
    },
    delete: (key) => state.entries.delete(key),
    keys: (prefix) => [...state.entries.keys()].filter((key) => key.startsWith(prefix)).sort(),
};
