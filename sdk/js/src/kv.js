//! A small store of the plugin's own, kept by the host over swaps and restarts.
//!
//! Values are bytes; `getJson`, `setJson` and `update` keep JSON in them. Trials and shadow runs
//! write to a copy that is thrown away.

import host from "#host/kv";
import { PolicyError } from "./error.js";
import { decode, encode } from "./utf8.js";

/**
 * How often `update` tries again. Each conflict is another call's success, so this many in a row
 * mean that something other than chance is going on.
 */
const TRIES = 16;

/** Why an entry was not written or cannot be read: `code` is "invalid", "full", "conflict" or "unreadable". */
export class KvError extends PolicyError {
    constructor({ tag, val }, key) {
        const words = {
            invalid: `the store refuses the entry: ${val}`,
            full: "the plugin's store is full: delete entries, or have the operator raise its quota",
            conflict: `another call wrote the entry in between, it is now at revision ${val}`,
            unreadable: `the entry is not what was expected: ${val}`,
        };
        super(`key ${JSON.stringify(key)}: ${words[tag] ?? tag}`);
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
    const entry = get(key);
    return entry && parse(key, entry.value);
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
 * value (null if there is none) and returns the new one; it is asked again if another call was
 * faster. What is no JSON counts as none, so that a newer version of a plugin gets over what an
 * older one left. What equals the entry is not written. Returns the new value.
 */
export function update(key, change) {
    for (let attempt = 0; ; attempt++) {
        const entry = get(key);
        const value = change(entry && readable(key, entry.value));
        const json = JSON.stringify(value);
        try {
            if (entry === null || !same(entry.value, encode(json))) compareAndSet(key, entry?.revision ?? 0, json);
            return value;
        } catch (error) {
            if (error.code !== "conflict" || attempt === TRIES) throw error;
        }
    }
}

/** Removes an entry; true if there was one. */
function remove(key) {
    return host.delete(key);
}

export { remove, remove as delete };

/** Keys with this prefix in byte order, at most 1,024. */
export function keys(prefix = "") {
    return host.keys(prefix);
}

function parse(key, bytes) {
    try {
        return JSON.parse(decode(bytes));
    } catch (error) {
        throw new KvError({ tag: "unreadable", val: error.message }, key);
    }
}

function readable(key, bytes) {
    try {
        return parse(key, bytes);
    } catch {
        return null;
    }
}

function same(left, right) {
    return left.length === right.length && left.every((byte, index) => byte === right[index]);
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
