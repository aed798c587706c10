//! Asking a policy natively, the way the host asks its component.

import { arrangement, clip, plan, verdict } from "../records.js";
import { fit, list } from "../shape.js";
import { catalogue } from "./catalogue.js";
import { asset, authRequest, routingState, scene, selectionRequest } from "./questions.js";

/** The kinds of policy, with the shapes of questions and answers. */
export const KINDS = {
    routing: { call: "route", question: routingState, answer: plan, library: list(asset) },
    selection: { call: "select", question: selectionRequest, answer: clip, library: list(asset) },
    layout: { call: "arrange", question: scene, answer: arrangement, library: list(asset) },
    auth: { call: "authorize", question: authRequest, answer: verdict, library: list(asset) },
};

/** One decision. Throws an `Error` with the text that the operator would read. */
export function decide(policy, name, question, { config = {}, library = [] } = {}) {
    const kind = KINDS[name];
    const exported = policy[name];
    if (exported === undefined) throw new Error(`the policy has no ${name}`);
    const asked = [fit(kind.question, "question", question)];
    if (name === "selection") asked.push(catalogue(fit(kind.library, "library", library)));
    try {
        return exported[kind.call](...asked, JSON.stringify(config));
    } catch (text) {
        throw new Error(text);
    }
}

/** The plan for a stream. */
export function route(policy, state, config) {
    return decide(policy, "routing", state, { config });
}

/** The clip for a channel, out of these assets. */
export function select(policy, request, library, config) {
    return decide(policy, "selection", request, { config, library });
}

/** The tiles of a composite. */
export function arrange(policy, scene, config) {
    return decide(policy, "layout", scene, { config });
}

/** The verdict on a peer. */
export function authorize(policy, request, config) {
    return decide(policy, "auth", request, { config });
}
