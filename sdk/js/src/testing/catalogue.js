//! A library of some assets, as the host lends one.

/** The orders of a library, as comparisons. */
const ORDERS = {
    // Never played first, by id; then the longest not played.
    "least-recently-played": (a, b) =>
        (a.lastPlayedUnixMs ?? -1) - (b.lastPlayedUnixMs ?? -1) || byBytes(a.id, b.id),
    id: (a, b) => byBytes(a.id, b.id),
    newest: (a, b) => b.addedUnixMs - a.addedUnixMs || byBytes(a.id, b.id),
};

/** Code points compare as their UTF-8 bytes do, UTF-16 units do not. */
function byBytes(a, b) {
    const [left, right] = [[...a], [...b]];
    const differs = left.findIndex((letter, index) => letter !== right[index]);
    if (differs < 0) return left.length - right.length;
    return right[differs] === undefined ? 1 : left[differs].codePointAt(0) - right[differs].codePointAt(0);
}

/** The resource `catalogue` over these assets. */
export function catalogue(assets) {
    const chosen = ({ folder, tag }) =>
        assets.filter(
            (asset) =>
                (folder === null || folder === "" || asset.folder === folder || asset.folder.startsWith(`${folder}/`)) &&
                (tag === null || asset.tags.includes(tag)),
        );
    return {
        count: (filter) => chosen(filter).length,
        page: (filter, order, offset, limit) =>
            chosen(filter)
                .sort(ORDERS[order])
                .slice(offset, offset + Math.min(limit, 256)),
        get: (id) => assets.find((asset) => asset.id === id) ?? null,
    };
}
