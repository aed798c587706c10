//! What a policy finds in place of globals that ask the system, or that the engine lacks. The
//! bundler puts these in where they are used, so whoever does without them imports nothing.

import * as clock from "../src/clock.js";
import * as log from "../src/log.js";

// By the name `globalThis.Date`, which the bundler leaves alone.
const SystemDate = globalThis.Date;

/** `Date`, whose now is the time of the decision. */
class DecisionDate extends SystemDate {
    constructor(...parts) {
        if (parts.length === 0) super(clock.nowUnixMs());
        else super(...parts);
    }

    static now() {
        return clock.nowUnixMs();
    }
}

const words = (parts) => parts.map((part) => (typeof part === "string" ? part : JSON.stringify(part) ?? String(part))).join(" ");

/** `console`, into the operator's log. */
const logConsole = {
    debug: (...parts) => log.debug(words(parts)),
    log: (...parts) => log.info(words(parts)),
    info: (...parts) => log.info(words(parts)),
    warn: (...parts) => log.warn(words(parts)),
    error: (...parts) => log.error(words(parts)),
};

export { DecisionDate as Date, logConsole as console };
export { unit as "Math.random" } from "../src/random.js";
