//! Conveniences of the routing kind.

/** The source on air, if any. */
export function onAir(state) {
    return state.sources.find((source) => source.onAir) ?? null;
}

/** Whether a source is connected and its last packet came within the given milliseconds. */
export function heardWithin(source, maxAgeMs) {
    return source.connected && source.packetAgeMs !== null && source.packetAgeMs <= maxAgeMs;
}

/** A stream's name after its last slash. */
export function shortName(stream) {
    return stream.slice(stream.lastIndexOf("/") + 1);
}

/** The plan that runs what the operator declared and enabled, and changes nothing else. */
export function keepDeclared(state) {
    const running = state.outputs.filter((output) => output.declared && output.enabled);
    return { outputs: running.map((output) => ({ name: output.name })) };
}
