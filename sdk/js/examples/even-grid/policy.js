//! Shows the connected sources in the smallest square grid that holds them. See `sdk/fixtures`.

import { definePolicy, PolicyError, rect } from "@pointsman/sdk";
import configSchema from "../../../fixtures/even-grid.schema.json" with { type: "json" };

export default definePolicy({
    name: "even-grid",
    version: "1.0.0",
    description: "Shows the connected sources in a grid.",
    configSchema,

    layout({ canvas, sources }, { gap }) {
        const shown = sources.filter((source) => source.connected);
        if (shown.length === 0) return { tiles: [], reason: "no source is connected" };
        const columns = Math.ceil(Math.sqrt(shown.length));
        const rows = Math.ceil(shown.length / columns);
        const width = (canvas.width - (columns + 1) * gap) / columns;
        const height = (canvas.height - (rows + 1) * gap) / rows;
        if (width <= 0 || height <= 0) {
            throw new PolicyError(`a gap of ${gap} leaves no room for ${columns} x ${rows} tiles`);
        }
        const place = (index) => {
            const [column, row] = [index % columns, Math.floor(index / columns)];
            return rect(gap + column * (width + gap), gap + row * (height + gap), width, height);
        };
        return {
            tiles: shown.map((source, index) => ({ source: source.id, area: place(index) })),
            reason: `${shown.length} ${shown.length === 1 ? "source" : "sources"} in ${columns} x ${rows}`,
        };
    },
});
