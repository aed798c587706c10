//! Shapes: what a value has to look like, and the form in which the host takes it.
//!
//! The engine that runs policies ends a call without a word when a field has the wrong type, and
//! takes a misspelt optional field for one that was left out. So whatever a policy answers goes
//! through a shape first, which says what is wrong and where, and fills in what was left out.
//!
//! A shape is a function from the value given to the value for the host. What else is known of
//! it hangs on the function: `kind`, for the conversion from and to the JSON of fixtures;
//! `absent`, which makes the value of a field that was left out and is missing where a field is
//! required; and `fields` or `item`, its parts.

import { u32Bits } from "#host/engine";

/** Largest integers that a `u32` and a JavaScript number hold exactly. */
const U32 = 2 ** 32 - 1;
const EXACT = Number.MAX_SAFE_INTEGER;

/** A value that does not fit; `place` grows while the error passes through the records around it. */
export class ShapeError extends TypeError {
    constructor(problem) {
        super(problem);
        this.problem = problem;
        this.place = "";
    }

    within(part) {
        this.place = part + this.place;
        this.message = `${this.place.replace(/^\./, "")} ${this.problem}`;
        return this;
    }
}

function refuse(expected, value) {
    throw new ShapeError(`must be ${expected}, not ${shown(value)}`);
}

function shown(value) {
    if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
    if (Array.isArray(value)) return "a list";
    if (value !== null && typeof value === "object") {
        return typeof value.then === "function" ? "a promise (policies are not async)" : "an object";
    }
    return typeof value === "function" ? "a function" : String(value);
}

function make(kind, check, absent, parts) {
    return Object.assign(check, { kind, absent, ...parts });
}

/** The same shape, where a field of it may be left out and then is what `absent` makes. */
export function otherwise(shape, absent) {
    return make(shape.kind, (value) => shape(value), absent, { fields: shape.fields, item: shape.item });
}

/** The same shape, where a field of it must be there. */
export function required(shape) {
    return otherwise(shape, undefined);
}

export const text = make(
    "text",
    (value) => (typeof value === "string" ? value : refuse("a string", value)),
    () => "",
);

export const flag = make(
    "flag",
    (value) => (typeof value === "boolean" ? value : refuse("true or false", value)),
    () => false,
);

/** A whole number from `low` to `high`. */
function whole(low, high, form = (value) => value) {
    const check = (value) => {
        const number = typeof value === "bigint" ? Number(value) : value;
        if (!Number.isInteger(number) || number < low || number > high) {
            refuse(`a whole number from ${low} to ${high}`, value);
        }
        return form(number);
    };
    return make("number", check, () => 0);
}

export const u16 = whole(0, 65_535);
export const u32 = whole(0, U32, u32Bits);
export const s32 = whole(-(2 ** 31), 2 ** 31 - 1);
export const u64 = whole(0, EXACT);

/** A number that is neither infinite nor NaN. */
export const number = make(
    "number",
    (value) => (Number.isFinite(value) ? value : refuse("a finite number", value)),
    () => 0,
);

/** One of some words. */
export function choice(...words) {
    const check = (value) => (words.includes(value) ? value : refuse(`one of ${words.join(", ")}`, value));
    return make("text", check, undefined);
}

/** A value or none; `undefined` is none, too. */
export function optional(shape) {
    return make("optional", (value) => (value === null ? null : shape(value)), () => null, { item: shape });
}

/** A list of one shape. */
export function list(shape) {
    const check = (value) => {
        if (!Array.isArray(value)) refuse("a list", value);
        return value.map((item, index) => {
            try {
                return shape(item);
            } catch (error) {
                throw error instanceof ShapeError ? error.within(`[${index}]`) : error;
            }
        });
    };
    return make("list", check, () => [], { item: shape });
}

/** Keys and values: `[["key", "value"]]`, `{ key: "value" }` or a `Map`. */
export const pairs = make("pairs", lowerPairs, () => []);

/** Keys and values that may come twice and have an order: a list in fixtures, too. */
export const orderedPairs = make("ordered-pairs", lowerPairs, () => []);

function lowerPairs(value) {
    if (value === null || typeof value !== "object") refuse("keys and values", value);
    const entries = Array.isArray(value) || value instanceof Map ? [...value] : Object.entries(value);
    for (const entry of entries) {
        if (!Array.isArray(entry) || entry.length !== 2 || !entry.every((part) => typeof part === "string")) {
            refuse("keys and values that are strings", entry);
        }
    }
    return entries;
}

/** A record with exactly these fields. */
export function record(fields) {
    const names = Object.keys(fields);
    const check = (value) => {
        if (!isPlain(value)) refuse("an object", value);
        for (const name in value) {
            if (fields[name] === undefined) throw unknownField(name, names);
        }
        const lowered = {};
        for (const name of names) {
            const given = value[name];
            const shape = fields[name];
            try {
                lowered[name] = given === undefined || given === null ? missing(shape) : shape(given);
            } catch (error) {
                throw error instanceof ShapeError ? error.within(`.${name}`) : error;
            }
        }
        return lowered;
    };
    return make("record", check, undefined, { fields });
}

/** Neither a list nor a promise, which `async` functions return. */
function isPlain(value) {
    return value !== null && typeof value === "object" && !Array.isArray(value) && typeof value.then !== "function";
}

function missing(shape) {
    if (shape.absent === undefined) throw new ShapeError("is missing");
    return shape.absent();
}

function unknownField(name, names) {
    const bare = (word) => word.toLowerCase().replace(/[^a-z0-9]/g, "");
    const near = names.find((known) => bare(known) === bare(name));
    const hint = near ? `did you mean ${near}?` : `there are ${names.join(", ")}`;
    return new ShapeError(`is no field; ${hint}`).within(`.${name}`);
}

/** Gives a value its shape; `what` names it in the error. */
export function fit(shape, what, value) {
    try {
        return shape(value);
    } catch (error) {
        throw error instanceof ShapeError ? error.within(what) : error;
    }
}
