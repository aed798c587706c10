//! Sends a stream to the regions where it is day, beside the outputs that the operator declared.

import { definePolicy, heardWithin, keepDeclared, localMinuteOfDay, minuteOfDay, onAir, valueOf, within } from "@pointsman/sdk";
import type { Alert, Output, RoutingState } from "@pointsman/sdk";
import configSchema from "./config.schema.json" with { type: "json" };
import manifest from "./package.json" with { type: "json" };

/** The operator's settings, as `config.schema.json` describes them. */
interface Config {
    regions: Region[];
    lead_minutes: number;
    only: string;
}

interface Region {
    name: string;
    url: string;
    params: Record<string, string>;
    utc_offset_minutes: number;
    from: string;
    to: string;
}

/** A source is heard while its last packet is no older than this, milliseconds. */
const MAX_AGE_MS = 2_000;

const DAY_MINUTES = 24 * 60;

export default definePolicy<Config>({
    manifest,
    configSchema,

    routing(state, config) {
        const plan = keepDeclared(state);
        const declared = new Set(state.outputs.filter((it) => it.declared).map((it) => it.name));
        const { wanted, unknown } = regionsOf(state, config);
        const awake = wanted.filter((it) => isDay(it, state, config.lead_minutes));
        // An operator's own output of a region's name wins.
        plan.outputs.push(...awake.filter((it) => !declared.has(it.name)).map((it) => outputTo(it, state)));
        const heard = state.sources.find((it) => heardWithin(it, MAX_AGE_MS));
        const stays = onAir(state);
        return {
            ...plan,
            onAir: stays !== null && heardWithin(stays, MAX_AGE_MS) ? stays.id : heard?.id,
            alerts: unknown.map(unknownRegion),
            reason: awake.length === 0 ? "night everywhere" : `day in ${awake.map((it) => it.name).join(", ")}`,
        };
    },
});

/** The regions that a stream may go to, and names in its label that are none. */
function regionsOf(state: RoutingState, { regions, only }: Config): { wanted: Region[]; unknown: string[] } {
    const label = valueOf(state.labels, only);
    if (label === null) return { wanted: regions, unknown: [] };
    const names = label.split(",").map((name) => name.trim());
    return {
        wanted: regions.filter((region) => names.includes(region.name)),
        unknown: names.filter((name) => !regions.some((region) => region.name === name)),
    };
}

function isDay(region: Region, { nowUnixMs }: RoutingState, lead: number): boolean {
    const minute = localMinuteOfDay({ nowUnixMs, utcOffsetMinutes: region.utc_offset_minutes });
    const begins = (minuteOfDay(region.from) - lead + DAY_MINUTES) % DAY_MINUTES;
    return within(minute, begins, minuteOfDay(region.to));
}

function outputTo(region: Region, state: RoutingState): Output {
    return { name: region.name, url: region.url.replaceAll("{stream}", state.stream), params: region.params };
}

function unknownRegion(name: string): Alert {
    return { code: `unknown-region-${name}`, severity: "warning", message: `the label names the region ${name}, which is not configured` };
}
