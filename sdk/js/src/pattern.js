//! Patterns over stream names, as the host's own configuration has them.

/** Whether the whole name fits the pattern, in which `*` stands for any run of characters, slashes included. */
export function matches(pattern, name) {
    const parts = pattern.split("*");
    if (parts.length === 1) return pattern === name;
    const first = parts.shift();
    const last = parts.pop();
    if (!name.startsWith(first)) return false;
    // Taking the earliest place for every part but the last leaves the most for those after it.
    let at = first.length;
    for (const part of parts) {
        const found = name.indexOf(part, at);
        if (found < 0) return false;
        at = found + part.length;
    }
    return name.length - at >= last.length && name.endsWith(last);
}

/** How specific a pattern is: of all that match, the highest wins. An exact name beats a pattern of as many letters. */
export function specificity(pattern) {
    const stars = pattern.split("*").length - 1;
    return (pattern.length - stars) * 2 + (stars === 0 ? 1 : 0);
}

/** The most specific of the items whose pattern matches the name, the first of equals; null if none does. */
export function mostSpecific(items, name, patternOf) {
    let best = null;
    for (const item of items) {
        if (!matches(patternOf(item), name)) continue;
        if (best === null || specificity(patternOf(item)) > specificity(patternOf(best))) best = item;
    }
    return best;
}
