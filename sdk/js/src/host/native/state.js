//! The host as policies find it outside of a component: in tests, and while they are built.
//! `fakeHost` of `@pointsman/sdk/testing` sets it up.

import { splitMix } from "./splitmix.js";

export const state = {};

/** Puts everything back to how a call finds it when nothing was prepared. */
export function reset() {
    state.nowUnixMs = 0;
    state.draw = splitMix(0n);
    /** Key to `{ value, revision }`. */
    state.entries = new Map();
    /** Lines, each `{ level, message }`. */
    state.log = [];
    /** Requests that were made. */
    state.requests = [];
    /** What answers them: a response, or an error variant that is thrown as `hostError`. */
    state.answer = () => {
        throw hostError({ tag: "denied", val: "no answer was prepared for this test" });
    };
}

/** An error as the engine throws it for the `err` of a host function. */
export function hostError(payload) {
    return Object.assign(new Error(`${payload.tag} (see error.payload)`), { payload });
}

reset();
