//! The clips that a channel may play: lent by the host, looked at in pages.

/** Assets that the host hands out at once. */
const PAGE = 256;

/** The first pages are short: most policies find what they look for on the first. */
const FIRST_PAGE = 16;

/** The library of one channel, for the time of a call. */
export class Library {
    #catalogue;

    constructor(catalogue) {
        this.#catalogue = catalogue;
    }

    /** How many assets there are; `folder` and `tag` narrow it down. */
    count(filter = {}) {
        return this.#catalogue.count(lower(filter));
    }

    /** At most `limit` assets, at most 256, from `offset`. */
    page({ order = "least-recently-played", offset = 0, limit = PAGE, ...filter } = {}) {
        return this.#catalogue.page(lower(filter), order, offset, limit);
    }

    /** One asset; null if there is none of that id. */
    get(id) {
        return this.#catalogue.get(id) ?? null;
    }

    /** All assets one by one, a page after the other as they are looked at. */
    *assets({ order = "least-recently-played", ...filter } = {}) {
        let offset = 0;
        for (let limit = FIRST_PAGE; ; limit = Math.min(limit * 4, PAGE)) {
            const page = this.page({ order, offset, limit, ...filter });
            yield* page;
            if (page.length < limit) return;
            offset += page.length;
        }
    }
}

function lower({ folder = null, tag = null, ...rest }) {
    const strange = Object.keys(rest)[0];
    if (strange !== undefined) throw new TypeError(`a library is narrowed down by folder and tag, not by ${strange}`);
    return { folder, tag };
}
