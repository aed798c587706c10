//! A small store of the plugin's own, kept by the host over swaps and restarts.
//!
//! Values are bytes; `getJson`, `setJson` and `update` keep JSON in them. Trials and shadow runs
//! write to a copy that is thrown away.

import host from "#host/kv";
import { PolicyError } from "./error.js";
import { decode, encode } from "./utf8.js";

/** Why nothing was written: `code` is "invalid", "full" or "conflict". */
export class KvError extends PolicyError {
    constructor({ tag, val }, key) {
        const words = {
            invalid: `the key ${JSON.stringify(key)} or its value is not taken: ${val}`,
            full: `no room for the key ${JSON.stringify(key)}: the plugin's quota is used up`,
            conflict: `the key ${JSON.stringify(key)} was written by another call, it is at revision ${val}`,
        };
        super(words[tag] ?? `the key ${JSON.stringify(key)} was not written: ${tag}`);
        this.code = tag;
        /** Of a conflict: the revision now in force, 0 if there is no entry. */
        this.revision = tag === "conflict" ? val : null;
    }
}

/** The entry of a key, `{ value, revision }` with the value's bytes; null if there is none. */
export function get(key) {
    const entry = host.get(key);
    return entry ? { value: Uint8Array.from(entry.value), revision: entry.revision } : null;
}

/** The value of a key as text; null if there is none. */
export function getText(key) {
    const entry = get(key);
    return entry && decode(entry.value);
}

/** The value of a key as JSON; null if there is none. */
export function getJson(key) {
    const text = getText(key);
    return text === null ? null : JSON.parse(text);
}

/** Writes bytes or a text, whatever is there. Returns the new revision. */
export function set(key, value) {
    return writing(key, () => host.set(key, bytesOf(value)));
}

/** Writes a value as JSON, whatever is there. Returns the new revision. */
export function setJson(key, value) {
    return set(key, JSON.stringify(value));
}

/** Writes only if the entry still has this revision; 0: only if there is none. */
export function compareAndSet(key, revision, value) {
    return writing(key, () => host.compareAndSet(key, revision, bytesOf(value)));
}

/**
 * Changes a JSON value without losing what another call writes meanwhile: `change` gets the
 * value (null if there is none) and returns the new one. Returns the new one.
 */
export function update(key, change) {
    for (let attempt = 1; ; attempt++) {
        const entry = get(key);
        const value = change(entry && JSON.parse(decode(entry.value)));
        try {
            compareAndSet(key, entry ? entry.revision : 0, JSON.stringify(value));
            return value;
        } catch (error) {
            if (error.code !== "conflict" || attempt === 8) throw error;
        }
    }
}

/** Removes an entry; true if there was one. */
export function remove(key) {
    return host.delete(key);
}

/** Keys with this prefix in byte order, at most 1,024. */
export function keys(prefix = "") {
    return host.keys(prefix);
}

function bytesOf(value) {
    return typeof value === "string" ? encode(value) : value;
}

function writing(key, write) {
    try {
        return write();
    } catch (error) {
        throw error?.payload?.tag ? new KvError(error.payload, key) : error;
    }
}
