//! Random numbers that a replay draws again. Not for keys or secrets.

import host from "#host/random";

/** The next number of the call's sequence, uniform over 64 bits. */
export function nextU64() {
    // By bytes: the engine gives a u64 as a number, which would round it.
    return host.bytes(8).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** The next bytes of the sequence, at most 4,096. */
export function bytes(length) {
    return Uint8Array.from(host.bytes(length));
}

/** From 0 up to and without 1, with 53 random bits. */
export function unit() {
    return Number(nextU64() >> 11n) * 2 ** -53;
}

/** A whole number from 0 up to and without `bound`, each as likely as the others; 0 if there is none. */
export function below(bound) {
    if (bound <= 0) return 0;
    // Lemire, "Fast Random Integer Generation in an Interval" (2019), as in the other SDKs, so that a
    // seed means the same in all of them.
    const limit = BigInt(bound);
    const unfair = (1n << 64n) % limit;
    for (;;) {
        const product = nextU64() * limit;
        if (BigInt.asUintN(64, product) >= unfair) return Number(product >> 64n);
    }
}

/** One of a list; `undefined` of an empty one. */
export function pick(items) {
    return items[below(items.length)];
}

/** The same items in another order (Fisher and Yates). */
export function shuffled(items) {
    const mixed = [...items];
    for (let last = mixed.length - 1; last > 0; last--) {
        const other = below(last + 1);
        [mixed[last], mixed[other]] = [mixed[other], mixed[last]];
    }
    return mixed;
}
