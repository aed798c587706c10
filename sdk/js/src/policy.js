//! A policy's definition, made into what a component exports.

import { arrangement, clip, info, plan, verdict } from "./records.js";
import { withDefaults } from "./config.js";
import { PolicyError } from "./error.js";
import { Library } from "./library.js";
import * as log from "./log.js";
import { fit, ShapeError } from "./shape.js";

/** The kinds of policy: the function that each exports, and the shape of its answer. */
const KINDS = {
    routing: { call: "route", answer: plan, what: "plan" },
    selection: { call: "select", answer: clip, what: "clip" },
    layout: { call: "arrange", answer: arrangement, what: "arrangement" },
    auth: { call: "authorize", answer: verdict, what: "verdict" },
};

const OWN_FIELDS = ["name", "version", "description", "author", "license", "grants", "attributes"];

/**
 * Makes a policy of its functions, one for each kind: `routing(state, config)`,
 * `selection(request, library, config)`, `layout(scene, config)`, `auth(request, config)`.
 *
 * What it says of itself comes from `manifest`, the contents of its package.json, and from
 * fields of the same names beside it, which win.
 */
export function definePolicy(definition) {
    const { manifest = {}, configSchema = {}, ...rest } = definition;
    const kinds = Object.keys(KINDS).filter((kind) => rest[kind] !== undefined);
    const strange = Object.keys(rest).find((key) => !(key in KINDS) && !OWN_FIELDS.includes(key));
    if (strange !== undefined) {
        throw new TypeError(`definePolicy knows no ${strange}; there are ${[...Object.keys(KINDS), ...OWN_FIELDS].join(", ")}`);
    }
    if (kinds.length === 0) {
        throw new TypeError(`a policy needs a function for at least one kind: ${Object.keys(KINDS).join(", ")}`);
    }
    const about = describe(manifest, rest, kinds, configSchema);
    const policy = { metadata: { describe: () => about } };
    for (const kind of kinds) {
        if (typeof rest[kind] !== "function") throw new TypeError(`${kind} must be a function`);
        policy[kind] = { [KINDS[kind].call]: deciding(KINDS[kind], rest[kind], configSchema) };
    }
    return policy;
}

function describe(manifest, own, kinds, configSchema) {
    const { author = "" } = manifest;
    const described = {
        name: manifest.name,
        version: manifest.version,
        description: manifest.description,
        // npm writes an author as text or as an object.
        author: typeof author === "string" ? author : [author.name, author.email && `<${author.email}>`].filter(Boolean).join(" "),
        license: manifest.license,
    };
    for (const field of OWN_FIELDS) {
        if (own[field] !== undefined) described[field] = own[field];
    }
    return fit(info, "the policy", { ...described, kinds, configSchema: JSON.stringify(configSchema) });
}

/** The exported function: configuration as JSON in, a checked answer or a text out. */
function deciding(kind, decide, configSchema) {
    return (question, ...rest) => {
        try {
            const config = withDefaults(configSchema, JSON.parse(rest.pop()));
            const lent = rest.map((catalogue) => new Library(catalogue));
            return fit(kind.answer, kind.what, decide(question, ...lent, config));
        } catch (error) {
            throw wording(error);
        }
    };
}

/** What the operator reads; a mistake in the policy's code also leaves its stack in the log. */
function wording(error) {
    if (!(error instanceof Error)) return String(error);
    if (error instanceof PolicyError || error instanceof ShapeError) return error.message;
    const text = `${error.name}: ${error.message}`;
    log.error(error.stack ? `${text}\n${error.stack}` : text);
    return text;
}
