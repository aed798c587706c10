//! Requests to hosts that the policy's `grants` name and that the operator allowed.

import host from "#host/http";
import { PolicyError } from "./error.js";
import { fit, optional, otherwise, pairs, record, required, text, u32 } from "./shape.js";
import { decode, encode } from "./utf8.js";

const requestHead = record({
    method: otherwise(text, () => "GET"),
    url: required(text),
    headers: pairs,
    timeoutMs: optional(u32),
});

/** Why there is no answer: `code` is "denied", "invalid", "timeout", "failed" or "too-big". */
export class HttpError extends PolicyError {
    constructor({ tag, val }, url) {
        super(`${url}: ${val ?? { timeout: "no answer in time", "too-big": "the answer is too long" }[tag] ?? tag}`);
        this.code = tag;
    }
}

/** An answer, of whatever status. */
export class Response {
    constructor({ status, headers, body }) {
        this.status = status;
        this.headers = headers;
        this.body = Uint8Array.from(body);
    }

    /** Whether the status is 200 to 299. */
    get ok() {
        return this.status >= 200 && this.status < 300;
    }

    /** The first header of a name, in whatever case; null if there is none. */
    header(name) {
        const wanted = name.toLowerCase();
        return this.headers.find(([key]) => key === wanted)?.[1] ?? null;
    }

    text() {
        return decode(this.body);
    }

    json() {
        return JSON.parse(this.text());
    }
}

/**
 * Sends one request and waits for the answer.
 *
 * Options: `method` ("GET", or "POST" with a body), `headers`, `body` (text or bytes) or `json`
 * (a value), `timeoutMs`.
 */
export function fetch(url, options = {}) {
    const request = lower(url, options);
    try {
        return new Response(host.fetch(request));
    } catch (error) {
        throw error?.payload?.tag ? new HttpError(error.payload, url) : error;
    }
}

function lower(url, { body, json, ...head }) {
    const content = json === undefined ? body : JSON.stringify(json);
    if (content !== undefined) head.method ??= "POST";
    const request = fit(requestHead, "request", { ...head, url });
    if (json !== undefined && !request.headers.some(([key]) => key.toLowerCase() === "content-type")) {
        request.headers = [...request.headers, ["content-type", "application/json"]];
    }
    request.body = content === undefined || content === null ? null : typeof content === "string" ? encode(content) : content;
    return request;
}
