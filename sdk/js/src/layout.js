//! Conveniences of the layout kind.

/** The part of a source that is all of it. */
export const WHOLE = Object.freeze({ x: 0, y: 0, width: 1, height: 1 });

/** A rectangle. */
export function rect(x, y, width, height) {
    return { x, y, width, height };
}

/** The whole canvas. */
export function canvasArea(canvas) {
    return rect(0, 0, canvas.width, canvas.height);
}

/**
 * The largest part of a source that has the shape of an area, from its middle: the picture fills
 * the area without being distorted. A source of unknown size is shown whole.
 */
export function fillingPart(source, area) {
    if (source.width === 0 || source.height === 0) return WHOLE;
    const wanted = area.width / area.height;
    const own = source.width / source.height;
    if (own > wanted) {
        const width = wanted / own;
        return rect((1 - width) / 2, 0, width, 1);
    }
    const height = own / wanted;
    return rect(0, (1 - height) / 2, 1, height);
}
