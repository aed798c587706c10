//! Nothing here runs: the TypeScript compiler finds that what should fit does, and what should not does not.

import {
    allow, canvasArea, clock, definePolicy, deny, fillingPart, heardWithin, http, keepDeclared, kv, localDate,
    localMinuteOfDay, log, onAir, pattern, PolicyError, random, rect, shortName, valueOf, WHOLE, within,
} from "@pointsman/sdk";
import type { Arrangement, Clip, Plan, Source, Verdict } from "@pointsman/sdk";
import { arrange, authorize, checkFixtures, fakeHost, httpError, route, select } from "@pointsman/sdk/testing";

interface Config {
    max_age_ms: number;
}

export const policy = definePolicy<Config>({
    manifest: { name: "types", version: "1.0.0", author: { name: "Me" } },
    configSchema: { type: "object" },
    grants: ["http:example.org"],

    routing(state, config): Plan {
        const source: Source | undefined = state.sources.find((it) => heardWithin(it, config.max_age_ms));
        const age: number | null = source?.packetAgeMs ?? null;
        if (source && onAir(state)?.id === source.id && age === 0) throw new PolicyError("no");
        // @ts-expect-error the state is the host's
        state.readers = 1;
        // @ts-expect-error there is no such field
        const wrong: Plan = { onair: "a" };
        // @ts-expect-error severities are three words
        const alert: Plan = { alerts: [{ code: "a", severity: "bad", message: "" }] };
        const plan = keepDeclared(state);
        plan.outputs.push({ name: shortName(state.stream), url: "udp://127.0.0.1:1", params: { latency: "200" } });
        return { ...plan, onAir: source?.id, labels: new Map([["a", "1"]]), serve: null };
    },

    selection(request, library): Clip {
        for (const asset of library.assets({ tag: "news", order: "newest" })) {
            if (asset.lastPlayedUnixMs === null) return { asset: asset.id, reason: localDate(request).weekday.toString() };
        }
        // @ts-expect-error orders are three words
        library.page({ order: "oldest" });
        return { asset: random.pick(library.page({ limit: 10 }))?.id ?? "" };
    },

    layout(scene): Arrangement {
        const area = canvasArea(scene.canvas);
        const tiles = scene.sources.map((it) => ({ source: it.id, area, part: fillingPart(it, area), rotation: 90 as const }));
        // @ts-expect-error a tile stands somewhere
        const nowhere: Arrangement = { tiles: [{ source: "a" }] };
        return { tiles: [...tiles, { source: "a", area: rect(0, 0, 1, 1), part: WHOLE }] };
    },

    auth(request): Verdict {
        kv.update<number>("count", (count) => (count ?? 0) + 1);
        kv.delete(kv.keys("old/")[0] ?? "");
        const answer = http.fetch("https://example.org/", { json: request.user, timeoutMs: 100 });
        log.info(`${clock.nowUnixMs()} ${answer.header("x")} ${kv.getJson<string[]>("list")?.length}`);
        const rule = pattern.mostSpecific([{ streams: "*" }], request.stream, (it) => it.streams);
        // @ts-expect-error the address is no number
        const peer: number = request.peerIp;
        return rule && valueOf(request.query, "key") ? allow("key", { ttlMs: 1_000 }) : deny("none");
    },
});

// @ts-expect-error there is no such kind
definePolicy({ name: "a", version: "1", route: () => ({}) });

export function tests(): void {
    const host = fakeHost({ seed: 1n, kv: { a: [1] }, http: () => ({ body: { ok: true } }) });
    fakeHost({ http: () => { throw httpError("timeout"); } });
    const plan = route(policy, { labels: { a: "1" }, sources: [{ id: "a", video: { codec: "h264" } }] }, { max_age_ms: 1 });
    const id: string | null = plan.onAir;
    const names: string[] = plan.outputs.map((output) => output.name);
    const asset: string = select(policy, { channel: "one" }, [{ id: "x" }]).asset;
    const x: number = arrange(policy, { sources: [{ id: "a" }] }).tiles[0]!.area.x;
    const may: boolean = authorize(policy, { action: "publish", query: [["key", "1"]] }).allow;
    // @ts-expect-error actions are three words
    authorize(policy, { action: "write" });
    within(localMinuteOfDay({ nowUnixMs: 0, utcOffsetMinutes: 0 }), 0, 1);
    void [host.log[0]?.message, host.requests[0]?.url, host.kv().a, id, names, asset, x, may, checkFixtures(policy, "fixtures")];
}
