//! Lists of keys and values: labels, attributes, parameters, queries.

/** The value of a key, the first if there are several; null if there is none. */
export function valueOf(pairs, key) {
    return pairs.find(([name]) => name === key)?.[1] ?? null;
}
