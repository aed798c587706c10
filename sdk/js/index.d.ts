/**
 * What a Pointsman policy written in JavaScript or TypeScript imports.
 *
 * Records are those of the WIT files, in camel case: what the host hands over has every field,
 * and `null` where there is nothing; of what a policy returns, a field may be left out. Integers
 * of 64 bits are numbers: times, sizes and rates are far below 2^53, up to which a number is exact.
 */

/** Keys and values, in the host's order. */
export type Pairs = ReadonlyArray<readonly [key: string, value: string]>;

/** Keys and values as a policy returns them. */
export type PairsLike = Pairs | Readonly<Record<string, string>> | ReadonlyMap<string, string>;

// ---- routing ----------------------------------------------------------------------------------

/** One stream as it stands now. */
export interface RoutingState {
    /** The stream's name, for example "live/cam1". */
    readonly stream: string;
    /** Time of this decision, milliseconds since 1970-01-01T00:00:00Z. */
    readonly nowUnixMs: number;
    /** The host's offset from UTC now, minutes, east positive; -720 to +840. */
    readonly utcOffsetMinutes: number;
    /** The operator's labels of the stream. Keys are unique. */
    readonly labels: Pairs;
    /** Candidate sources, the operator's first choice first. */
    readonly sources: ReadonlyArray<Source>;
    /** Outputs that are declared or that an earlier plan asked for. */
    readonly outputs: ReadonlyArray<OutputState>;
    /** Viewers now, over every protocol; outputs do not count. */
    readonly readers: number;
    /** What newer hosts add. */
    readonly attributes: Pairs;
}

/** A source that may be put on air. */
export interface Source {
    /** Unique within the stream, the same as long as the source exists. */
    readonly id: string;
    /** "udp", "srt", "rtmp" and others to come. */
    readonly protocol: string;
    /** Whether the source is up: bytes arrive, or its peer is connected. */
    readonly connected: boolean;
    /** Whether it is the one on air. At most one source is. */
    readonly onAir: boolean;
    /** Bits per second over the last second or so; 0 when nothing arrives. */
    readonly bitrateBps: number;
    /** Milliseconds since the last packet; null when there never was one. */
    readonly packetAgeMs: number | null;
    /** Continuity counter errors or lost messages since it connected. */
    readonly continuityErrors: number;
    /** Milliseconds since it connected; 0 when it is not connected. */
    readonly uptimeMs: number;
    /** The first video track, once its headers were seen. */
    readonly video: Video | null;
    /** The first audio track, once its headers were seen. */
    readonly audio: Audio | null;
    /** What newer hosts add. */
    readonly attributes: Pairs;
}

/** A video track. */
export interface Video {
    /** Lower case: "h264", "hevc", "av1", "mpeg2". */
    readonly codec: string;
    /** Pixels; 0 when unknown. */
    readonly width: number;
    /** Pixels; 0 when unknown. */
    readonly height: number;
    /** Thousandths of a frame per second (29.97 is 29970); 0 when unknown. */
    readonly fpsMilli: number;
    /** What newer hosts add. */
    readonly attributes: Pairs;
}

/** An audio track. */
export interface Audio {
    /** Lower case: "aac", "mp2", "ac3", "opus". */
    readonly codec: string;
    /** Samples per second; 0 when unknown. */
    readonly sampleRateHz: number;
    /** Channels, the low-frequency one included; 0 when unknown. */
    readonly channels: number;
    /** What newer hosts add. */
    readonly attributes: Pairs;
}

/** An output as it stands now. */
export interface OutputState {
    /** Unique within the stream. */
    readonly name: string;
    /** Where it sends, for example "udp://127.0.0.1:6000". */
    readonly url: string;
    /** Whether the operator declared it; if not, an earlier plan asked for it. */
    readonly declared: boolean;
    /** Whether the operator wants it. A plan may leave it out, or run it all the same. */
    readonly enabled: boolean;
    /** "stopped", "connecting", "live", "retrying", "failed", "exhausted" or "source_lost". */
    readonly state: string;
    /** Since when it stands there, milliseconds since 1970-01-01T00:00:00Z. */
    readonly sinceUnixMs: number;
    /** Attempts since it was last stable; 0 before the first. */
    readonly attempt: number;
    /** Bits per second that its peer took over the last second or so. */
    readonly bitrateBps: number;
    /** Packets or access units dropped since it was started, because its peer was too slow. */
    readonly drops: number;
    /** What newer hosts add. */
    readonly attributes: Pairs;
}

/** What is wanted from now on. The host compares it with what runs and touches only what differs. */
export interface Plan {
    /** Id of the source to put on air; none leaves it as it is. An unknown id is ignored and logged. */
    onAir?: string | null;
    /** Ids of sources that stand in, best first, while the one above does not deliver. At most 32. */
    failover?: ReadonlyArray<string>;
    /** Id of the source to show when none of those above delivers. */
    slate?: string | null;
    /** Every output that shall run; one that is left out is stopped. At most 200. */
    outputs?: ReadonlyArray<Output>;
    /** Protocols that viewers may take the stream over ("hls", "srt", "rtmp"); none allows all. */
    serve?: ReadonlyArray<string> | null;
    /** Labels that the stream shall have beside the operator's, whose win. At most 64. */
    labels?: PairsLike;
    /** What an operator should know of, as long as it is in the plan. At most 32. */
    alerts?: ReadonlyArray<Alert>;
    /** Why, in a few words; shown to the operator. */
    reason?: string;
    /** Room to grow. At most 64. */
    attributes?: PairsLike;
}

/** An output that shall run. */
export interface Output {
    /** Unique within the plan. The name of a declared output means that one. */
    name: string;
    /** Where to send; none takes the declared output's own. */
    url?: string | null;
    /** Parameters that go before those of the url's query, for example `{ latency: "200" }`. */
    params?: PairsLike;
    /** Room to grow. */
    attributes?: PairsLike;
}

/** Something an operator should know of. */
export interface Alert {
    /** Names the condition, so that it is told once however often it is decided: "no-backup". */
    code: string;
    /** How much it matters. */
    severity: "info" | "warning" | "critical";
    /** For people. */
    message: string;
}

/** The source on air, if any. */
export function onAir(state: RoutingState): Source | null;

/** Whether a source is connected and its last packet came within the given milliseconds. */
export function heardWithin(source: Source, maxAgeMs: number): boolean;

/** The plan that runs what the operator declared and enabled, and changes nothing else. */
export function keepDeclared(state: RoutingState): Plan & { outputs: Output[] };

/** A stream's name after its last slash. */
export function shortName(stream: string): string;

// ---- selection --------------------------------------------------------------------------------

/** What is asked for when a channel needs its next clip. */
export interface SelectionRequest {
    /** The channel, for example "channels/one". */
    readonly channel: string;
    /** Time of this decision, milliseconds since 1970-01-01T00:00:00Z. */
    readonly nowUnixMs: number;
    /** The host's offset from UTC now, minutes, east positive; -720 to +840. */
    readonly utcOffsetMinutes: number;
    /** When the clip will begin, milliseconds since 1970-01-01T00:00:00Z. */
    readonly startsUnixMs: number;
    /** The length that is wished for, milliseconds; null: a whole clip. */
    readonly wantedMs: number | null;
    /** What was played or is queued, the latest first. At most 256. */
    readonly history: ReadonlyArray<PlayedItem>;
    /** The operator's labels of the channel. */
    readonly labels: Pairs;
    /** What newer hosts add. */
    readonly attributes: Pairs;
}

/** Something played or queued. */
export interface PlayedItem {
    /** The asset's id. */
    readonly asset: string;
    /** Where it began within the asset, milliseconds. */
    readonly startMs: number;
    /** Where it ended within the asset, milliseconds. */
    readonly endMs: number;
    /** When it began or will begin, milliseconds since 1970-01-01T00:00:00Z. */
    readonly atUnixMs: number;
}

/** A clip of a library. */
export interface Asset {
    /** Unique within the library, the same as long as the clip exists. */
    readonly id: string;
    /** For people. */
    readonly title: string;
    /** Folder within the library, parts joined by "/"; "" at the top. */
    readonly folder: string;
    /** Length, milliseconds. */
    readonly durationMs: number;
    /** In byte order. */
    readonly tags: ReadonlyArray<string>;
    /** When any of it was last played, milliseconds since 1970-01-01T00:00:00Z; null: never. */
    readonly lastPlayedUnixMs: number | null;
    /** How often any of it was played. */
    readonly plays: number;
    /** The parts played, by start. */
    readonly segments: ReadonlyArray<PlayedSegment>;
    /** When it came into the library, milliseconds since 1970-01-01T00:00:00Z. */
    readonly addedUnixMs: number;
    /** What newer hosts add. */
    readonly attributes: Pairs;
}

/** A part of an asset that was played. */
export interface PlayedSegment {
    /** Where it began within the asset, milliseconds. */
    readonly startMs: number;
    /** Where it ended within the asset, milliseconds. */
    readonly endMs: number;
    /** When it was last played, milliseconds since 1970-01-01T00:00:00Z. */
    readonly playedUnixMs: number;
}

/** Which assets; both conditions hold together. */
export interface Filter {
    /** In this folder or below it. */
    folder?: string | null;
    /** With this tag. */
    tag?: string | null;
}

/** In which order: never played first, then the longest not played (the default); by id; the newest first. */
export type Order = "least-recently-played" | "id" | "newest";

/** The clips that a channel may play, lent for the time of a call and looked at in pages. */
export interface Library {
    /** How many assets there are. */
    count(filter?: Filter): number;
    /** At most `limit` assets, at most 256, from `offset`. */
    page(options?: Filter & { order?: Order; offset?: number; limit?: number }): Asset[];
    /** One asset; null if there is none of that id. */
    get(id: string): Asset | null;
    /** All assets one by one, fetched a page after the other as they are looked at. */
    assets(options?: Filter & { order?: Order }): Generator<Asset, void, undefined>;
}

/** What plays next. */
export interface Clip {
    /** The asset's id. */
    asset: string;
    /** Where to begin within the asset, milliseconds. */
    startMs?: number;
    /** Where to end, milliseconds; none: at its end. */
    endMs?: number | null;
    /** Why, in a few words; shown to the operator. */
    reason?: string;
    /** Room to grow. At most 64. */
    attributes?: PairsLike;
}

// ---- layout -----------------------------------------------------------------------------------

/** A rectangle. In a source: fractions of its width and height, 0 to 1. On the canvas: pixels. */
export interface Rect {
    /** Left edge. */
    readonly x: number;
    /** Upper edge. */
    readonly y: number;
    /** Extent to the right, above 0. */
    readonly width: number;
    /** Extent downwards, above 0. */
    readonly height: number;
}

/** What is drawn on. */
export interface Canvas {
    /** Pixels, 1 to 16,384. */
    readonly width: number;
    /** Pixels, 1 to 16,384. */
    readonly height: number;
    /** Thousandths of a frame per second. */
    readonly fpsMilli: number;
    /** The screens that show it; empty when it is not split. At most 64. */
    readonly screens: ReadonlyArray<Screen>;
    /** What newer hosts add. */
    readonly attributes: Pairs;
}

/** A screen of a wall, which shows its own part of the canvas. */
export interface Screen {
    /** Unique within the canvas. */
    readonly id: string;
    /** Its part of the canvas, pixels. */
    readonly area: Rect;
    /** Row in the wall, from 0 at the top. */
    readonly row: number;
    /** Column in the wall, from 0 at the left. */
    readonly column: number;
    /** The frames around its picture. */
    readonly bezel: Bezel;
}

/** Widths of a screen's frame, pixels of its picture; 0 or more. */
export interface Bezel {
    readonly left: number;
    readonly top: number;
    readonly right: number;
    readonly bottom: number;
}

/** A picture that may be shown. */
export interface SceneSource {
    /** Unique within the scene: a stream's name or an image's. */
    readonly id: string;
    /** For people; may be empty. */
    readonly title: string;
    /** Whether pictures arrive. */
    readonly connected: boolean;
    /** Pixels; 0 when unknown. */
    readonly width: number;
    /** Pixels; 0 when unknown. */
    readonly height: number;
    /** Level of its sound over the last 400 ms, dBFS, 0 at most; null without sound. */
    readonly audioLevelDb: number | null;
    /** The operator's labels. */
    readonly labels: Pairs;
    /** What newer hosts add. */
    readonly attributes: Pairs;
}

/** Everything there is to arrange. */
export interface Scene {
    /** The composite's name, for example "wall/lobby". */
    readonly name: string;
    /** Time of this decision, milliseconds since 1970-01-01T00:00:00Z. */
    readonly nowUnixMs: number;
    /** The host's offset from UTC now, minutes, east positive; -720 to +840. */
    readonly utcOffsetMinutes: number;
    /** What is drawn on. */
    readonly canvas: Canvas;
    /** What may be drawn, in the operator's order. At most 256. */
    readonly sources: ReadonlyArray<SceneSource>;
    /** The tiles in force; empty at first. */
    readonly tiles: ReadonlyArray<PlacedTile>;
    /** Since when they are, milliseconds since 1970-01-01T00:00:00Z; 0 at first. */
    readonly sinceUnixMs: number;
    /** What newer hosts add. */
    readonly attributes: Pairs;
}

/** A line around a tile, drawn inside its rectangle. */
export interface Border {
    /** Pixels, 1 to 256. */
    readonly width: number;
    /** Red, green, blue and alpha, 8 bits each from the highest: 0xff0000ff is opaque red. */
    readonly rgba: number;
}

/** A picture on the canvas. */
export interface Tile {
    /** Id of the source. An unknown one is ignored and logged. */
    source: string;
    /** The part of the source shown, fractions; left out: all of it. */
    part?: Rect;
    /** Where, pixels; what lies outside the canvas is cut off. */
    area: Rect;
    /** Those with a higher one cover those with a lower; of equals the later covers the earlier. */
    z?: number;
    /** Clockwise, degrees. */
    rotation?: 0 | 90 | 180 | 270;
    /** Opacity, 0 (unseen) to 1 (left out). */
    alpha?: number;
    /** A line around it. */
    border?: Border | null;
    /** Room to grow. At most 64. */
    attributes?: PairsLike;
}

/** A tile in force. */
export type PlacedTile = Readonly<Required<Omit<Tile, "attributes">>> & { readonly attributes: Pairs };

/** What is seen from the next frame on. */
export interface Arrangement {
    /** Every tile; a source may have several. At most 256. */
    tiles?: ReadonlyArray<Tile>;
    /** Why, in a few words; shown to the operator. */
    reason?: string;
    /** Room to grow. At most 64. */
    attributes?: PairsLike;
}

/** The part of a source that is all of it. */
export const WHOLE: Rect;

/** A rectangle. */
export function rect(x: number, y: number, width: number, height: number): Rect;

/** The whole canvas. */
export function canvasArea(canvas: Canvas): Rect;

/** The largest part of a source, from its middle, that fills an area without being distorted. */
export function fillingPart(source: SceneSource, area: Rect): Rect;

// ---- auth -------------------------------------------------------------------------------------

/** Who wants what. */
export interface AuthRequest {
    /** To feed a stream, to watch one, or to call the API (`attributes` carry "method" and "path"). */
    readonly action: "publish" | "read" | "api";
    /** "rtmp", "srt", "hls", "http" and others to come. */
    readonly protocol: string;
    /** The stream's name; empty for an API call that concerns none. */
    readonly stream: string;
    /** The peer's address without port: "192.0.2.7" or "2001:db8::7". */
    readonly peerIp: string;
    /** The peer's port. */
    readonly peerPort: number;
    /** The user it claims to be. */
    readonly user: string | null;
    /** The secret it shows. */
    readonly token: string | null;
    /** Every pair of the URL's query, in order. At most 64. */
    readonly query: Pairs;
    /** Time of this decision, milliseconds since 1970-01-01T00:00:00Z. */
    readonly nowUnixMs: number;
    /** Whether it was let in before and is asked for again, since its time to live ended. */
    readonly renewal: boolean;
    /** What newer hosts add. */
    readonly attributes: Pairs;
}

/** What goes with letting a peer in. */
export interface Limits {
    /** Another name for the stream, so that a key can stand for it; none leaves it. */
    stream?: string | null;
    /** Bits per second over a few seconds above which it is cut off; none: no limit. */
    maxBitrateBps?: number | null;
    /** Milliseconds after which it is cut off; none: no limit. */
    maxDurationMs?: number | null;
    /** Readers of the stream beyond which a reader is turned away; none: no limit. */
    maxReaders?: number | null;
    /** Milliseconds after which it is asked again; none: never. At least 1,000. */
    ttlMs?: number | null;
    /** Room to grow. At most 64. */
    attributes?: PairsLike;
}

/** The answer. */
export interface Verdict extends Limits {
    /** Whether it may. */
    allow: boolean;
    /** Why, in a few words; shown to the operator, never to the peer. */
    reason?: string;
}

/** Lets in. */
export function allow(reason: string, limits?: Limits): Verdict;

/** Turns away. */
export function deny(reason: string): Verdict;

// ---- the policy -------------------------------------------------------------------------------

/** What a policy says of itself. */
export interface About {
    /** Name the author gave it. The operator may install it under another. 1 to 64 bytes. */
    name?: string;
    /** Version the author gave it. 1 to 64 bytes. */
    version?: string;
    /** One line for people. */
    description?: string;
    /** Who to ask. */
    author?: string;
    /** SPDX expression, for example "MIT". */
    license?: string;
}

/** A policy: what it says of itself, and a function for each kind it has. */
export interface Definition<Config> extends About {
    /** The contents of package.json, for what is not given beside it. */
    manifest?: About | { author?: unknown };
    /** JSON Schema of the configuration. Its `default`s are filled in before a function is called. */
    configSchema?: object;
    /** What it asks for beyond its sandbox: "http", "http:HOST" or "http:*.DOMAIN". */
    grants?: ReadonlyArray<string>;
    /** Room to grow. */
    attributes?: PairsLike;
    /** Which source is on air, where the stream is sent, how viewers may take it. */
    routing?(state: RoutingState, config: Config): Plan;
    /** Which clip plays next. */
    selection?(request: SelectionRequest, library: Library, config: Config): Clip;
    /** Where pictures stand. */
    layout?(scene: Scene, config: Config): Arrangement;
    /** Who may in. */
    auth?(request: AuthRequest, config: Config): Verdict;
}

/** What a component exports; made by `definePolicy`. */
export interface Policy {
    readonly metadata: { describe(): object };
}

/**
 * Makes a policy; export it as the module's default.
 *
 * Whatever a function throws becomes the text that the operator reads. An error other than a
 * `PolicyError` also leaves its stack in the log.
 */
export function definePolicy<Config = any>(definition: Definition<Config>): Policy;

/** Why a policy gives no answer, in words for the operator. */
export class PolicyError extends Error {}

/** The value of a key, the first if there are several; null if there is none. */
export function valueOf(pairs: Pairs, key: string): string | null;

/** What tells the host's local time; every question but an auth one has it. */
export interface Moment {
    readonly nowUnixMs: number;
    readonly utcOffsetMinutes: number;
    /** Of a selection: it counts instead of `nowUnixMs`. */
    readonly startsUnixMs?: number;
}

/**
 * The host's local time of day, minutes since midnight; 0 to 1439. In a selection that of the
 * clip's begin, otherwise that of the decision.
 */
export function localMinuteOfDay(question: Moment): number;

/** The host's local date at that time: `month` is 1 to 12, `weekday` 0 (Monday) to 6 (Sunday). */
export function localDate(question: Moment): { year: number; month: number; day: number; weekday: number };

/** Minutes since midnight of a time of day such as "06:30". */
export function minuteOfDay(clock: string): number;

/** Whether a minute of the day lies in a span that may pass midnight; its end is not part of it. */
export function within(minute: number, from: number, to: number): boolean;

/** Patterns over stream names, in which `*` stands for any run of characters, slashes included. */
export namespace pattern {
    /** Whether the whole name fits the pattern. */
    function matches(pattern: string, name: string): boolean;
    /** How specific a pattern is: of all that match, the highest wins. */
    function specificity(pattern: string): number;
    /** The most specific of the items whose pattern matches, the first of equals; null if none does. */
    function mostSpecific<T>(items: Iterable<T>, name: string, patternOf: (item: T) => string): T | null;
}

// ---- what the host offers ---------------------------------------------------------------------

/** Lines for the operator's log. A call may write 64 lines of 4,096 bytes; what is beyond is dropped. */
export namespace log {
    function write(level: "trace" | "debug" | "info" | "warn" | "error", message: string): void;
    function trace(message: string): void;
    function debug(message: string): void;
    function info(message: string): void;
    function warn(message: string): void;
    function error(message: string): void;
}

/** The time of the decision. `Date` and `Date.now()` tell the same. */
export namespace clock {
    /** Milliseconds since 1970-01-01T00:00:00Z. */
    function nowUnixMs(): number;
}

/** Random numbers that a replay draws again; not for secrets. `Math.random()` is `random.unit()`. */
export namespace random {
    /** The next number, uniform over 64 bits. */
    function nextU64(): bigint;
    /** The next bytes, at most 4,096. */
    function bytes(length: number): Uint8Array;
    /** From 0 up to and without 1, with 53 random bits. */
    function unit(): number;
    /** A whole number from 0 up to and without `bound`, each as likely as the others; 0 if there is none. */
    function below(bound: number): number;
    /** One of a list; `undefined` of an empty one. */
    function pick<T>(items: ReadonlyArray<T>): T | undefined;
    /** The same items in another order. */
    function shuffled<T>(items: Iterable<T>): T[];
}

/** A small store of the plugin's own, kept by the host over swaps and restarts. */
export namespace kv {
    /** A value and how often it was written. */
    export interface Entry {
        readonly value: Uint8Array;
        readonly revision: number;
    }
    /** Why an entry was not written, or cannot be read. */
    export class KvError extends PolicyError {
        readonly code: "invalid" | "full" | "conflict" | "unreadable";
        /** Of a conflict: the revision now in force, 0 if there is no entry. */
        readonly revision: number | null;
    }
    export function get(key: string): Entry | null;
    export function getText(key: string): string | null;
    /** Throws a `KvError` if the value is no JSON, for example another version's. */
    export function getJson<T = unknown>(key: string): T | null;
    /** Writes, whatever is there. Returns the new revision. */
    export function set(key: string, value: Uint8Array | string): number;
    export function setJson(key: string, value: unknown): number;
    /** Writes only if the entry still has this revision; 0: only if there is none. */
    export function compareAndSet(key: string, revision: number, value: Uint8Array | string): number;
    /**
     * Changes a JSON value without losing what another call writes meanwhile: `change` gets the
     * value and returns the new one; it is asked again if another call was faster. What is no
     * JSON counts as none. Returns the new value.
     */
    export function update<T>(key: string, change: (value: T | null) => T): T;
    /** Removes an entry; true if there was one. */
    export function remove(key: string): boolean;
    export { remove as delete };
    /** Keys with this prefix in byte order, at most 1,024. */
    export function keys(prefix?: string): string[];
}

/** Requests to hosts that the policy's `grants` name and that the operator allowed. */
export namespace http {
    interface Options {
        /** "GET", or "POST" with a body. */
        method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
        headers?: PairsLike;
        /** At most 64 KiB. */
        body?: Uint8Array | string | null;
        /** A value to send as JSON. */
        json?: unknown;
        /** Milliseconds until it is given up, if sooner than the host's limit. */
        timeoutMs?: number | null;
    }
    class Response {
        /** 100 to 599. */
        readonly status: number;
        /** Whether the status is 200 to 299. */
        readonly ok: boolean;
        /** Names in lower case. */
        readonly headers: Pairs;
        readonly body: Uint8Array;
        header(name: string): string | null;
        text(): string;
        json(): any;
    }
    /** Why there is no answer. */
    class HttpError extends PolicyError {
        readonly code: "denied" | "invalid" | "timeout" | "failed" | "too-big";
    }
    /** Sends one request and waits for the answer. It is not a promise. */
    function fetch(url: string, options?: Options): Response;
}
