//! Conveniences of the auth kind.

/** Lets in; `limits` are further fields of the verdict, such as `ttlMs`. */
export function allow(reason, limits = {}) {
    return { ...limits, allow: true, reason };
}

/** Turns away. */
export function deny(reason) {
    return { allow: false, reason };
}
