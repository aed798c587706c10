//! Shows the connected sources side by side.

import { definePolicy, fillingPart, rect } from "@pointsman/sdk";
import configSchema from "./config.schema.json" with { type: "json" };
import manifest from "./package.json" with { type: "json" };

export default definePolicy({
    manifest,
    configSchema,

    layout({ canvas, sources }, { gap }) {
        const shown = sources.filter((source) => source.connected);
        const width = (canvas.width - (shown.length - 1) * gap) / shown.length;
        return {
            tiles: shown.map((source, index) => {
                const area = rect(index * (width + gap), 0, width, canvas.height);
                return { source: source.id, part: fillingPart(source, area), area };
            }),
            reason: `${shown.length} side by side`,
        };
    },
});
