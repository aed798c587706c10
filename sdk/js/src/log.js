//! Lines for the operator's log; the host adds the plugin's name and the time.
//!
//! A call may write 64 lines, each cut at 4,096 bytes; a plugin 50 lines a second. What comes
//! beyond is dropped and counted. Native tests find the lines in `fakeHost().log`.

import host from "#host/log";

/** Writes one line of a level: "trace", "debug", "info", "warn" or "error". */
export function write(level, message) {
    host.write(level, String(message));
}

export const trace = (message) => write("trace", message);
export const debug = (message) => write("debug", message);
export const info = (message) => write("info", message);
export const warn = (message) => write("warn", message);
export const error = (message) => write("error", message);
