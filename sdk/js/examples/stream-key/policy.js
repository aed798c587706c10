//! Lets in whoever shows the key of the stream's pattern. See `sdk/fixtures`.

import { allow, definePolicy, deny, pattern } from "@pointsman/sdk";
import configSchema from "../../../fixtures/stream-key.schema.json" with { type: "json" };

export default definePolicy({
    name: "stream-key",
    version: "1.0.0",
    description: "Lets in whoever shows the stream's key.",
    configSchema,

    auth({ stream, token }, { keys }) {
        const rule = pattern.mostSpecific(keys, stream, (it) => it.streams);
        if (rule === null) return deny(`no key for ${stream}`);
        if (token === null) return deny("no key shown");
        if (token !== rule.key) return deny("wrong key");
        return allow(`key of ${rule.streams}`, { ttlMs: 60_000 });
    },
});
