//! The time of the decision.

import host from "#host/clock";

/** Milliseconds since 1970-01-01T00:00:00Z; the same however often it is asked in a call. */
export function nowUnixMs() {
    return host.nowUnixMs();
}
