/** For unit tests of policies with `node --test`: a fake host, decisions, fixtures. */

import type {
    Arrangement, Asset, AuthRequest, Clip, Output, Pairs, PairsLike, PlacedTile, Plan,
    Policy, RoutingState, Scene, SelectionRequest, Verdict,
} from "./index.js";

/** A question or a part of one in which anything may be left out; keys and values may be objects. */
export type Partly<T> = T extends Pairs
    ? PairsLike
    : T extends ReadonlyArray<infer Item>
      ? ReadonlyArray<Partly<Item>>
      : T extends object
        ? { [Key in keyof T]?: Partly<T[Key]> }
        : T;

/** An answer as the host gets it: every field is there, keys and values are lists. */
type Filled<T> = { [Key in keyof T]-?: Exclude<T[Key], undefined> };

/** The plan for a stream. Throws an `Error` with the text that the operator would read. */
export function route(policy: Policy, state: Partly<RoutingState>, config?: object): Filled<Plan> & { outputs: Filled<Output>[] };

/** The clip for a channel, out of these assets. */
export function select(policy: Policy, request: Partly<SelectionRequest>, library: ReadonlyArray<Partly<Asset>>, config?: object): Filled<Clip>;

/** The tiles of a composite. */
export function arrange(policy: Policy, scene: Partly<Scene>, config?: object): Filled<Arrangement> & { tiles: PlacedTile[] };

/** The verdict on a peer. */
export function authorize(policy: Policy, request: Partly<AuthRequest>, config?: object): Filled<Verdict>;

/** A request as the host gets it. */
export interface SentRequest {
    method: string;
    url: string;
    headers: Pairs;
    body: Uint8Array | null;
    timeoutMs: number | null;
}

/** What a policy finds and what it leaves. */
export interface FakeHost {
    /** Lines it wrote. */
    readonly log: ReadonlyArray<{ level: string; message: string }>;
    /** Requests it made. */
    readonly requests: ReadonlyArray<SentRequest>;
    /** Its entries now, as JSON values. */
    kv(): Record<string, unknown>;
}

/** Sets up what the policy finds from now on; everything else is forgotten. */
export function fakeHost(options?: {
    nowUnixMs?: number;
    seed?: number | bigint;
    /** Keys to JSON values, each at revision 1. */
    kv?: Record<string, unknown>;
    /** Answers a request; a `body` that is neither text nor bytes is sent as JSON. */
    http?: (request: SentRequest) => { status?: number; headers?: PairsLike; body?: unknown };
}): FakeHost;

/** An error to throw from `http`. */
export function httpError(code: "denied" | "invalid" | "timeout" | "failed" | "too-big", words?: string): Error;

/** Runs every fixture of a folder natively; throws an error that names each one that fails. Returns their number. */
export function checkFixtures(policy: Policy, folder: string | URL): number;

/** What is wrong with the answer to one fixture, already parsed; empty if it passes. */
export function checkFixture(policy: Policy, fixture: object): string[];
