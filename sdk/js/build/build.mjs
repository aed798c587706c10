//! Makes a component of a policy in JavaScript or TypeScript. Run by `pointsman plugin build`:
//!
//!     node build.mjs entry=FILE sdk=DIR wit=DIR out=FILE esbuild=DIR componentize=DIR
//!
//! `sdk` is this package, unless the policy's own `node_modules` has one. The policy is bundled
//! twice: once for Node, to ask what it is, and once for the engine, together with the exports
//! and imports that it turned out to need.

import { cpSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const KINDS = ["routing", "selection", "layout", "auth"];
const HOST = /^pointsman:policy\/([a-z]+)@/;

const given = Object.fromEntries(process.argv.slice(2).map((word) => word.split(/=(.*)/s)));
const { entry, wit, out } = given;
const require = createRequire(import.meta.url);
const { build } = require(given.esbuild);
const { componentize } = require(given.componentize);
const sdk = ownSdk() ?? given.sdk;

const desk = mkdtempSync(join(tmpdir(), "pointsman-js-"));
try {
    const kinds = await kindsOf(desk);
    const { code, imports } = await bundle(kinds);
    writeFileSync(out, await compile(desk, code, kinds, imports));
} catch (error) {
    // esbuild has told its own errors already.
    if (!error.errors) console.error(error.stack ?? String(error));
    process.exitCode = 1;
} finally {
    rmSync(desk, { recursive: true });
}

/** Asks the policy, in Node, which kinds it has. */
async function kindsOf(desk) {
    const file = join(desk, "policy.mjs");
    await esbuild({ entryPoints: [entry], outfile: file, platform: "node" });
    const { default: policy } = await import(pathToFileURL(file));
    if (typeof policy?.metadata?.describe !== "function") {
        throw `${entry} does not export a policy: it needs \`export default definePolicy({ ... })\``;
    }
    return KINDS.filter((kind) => kind in policy);
}

/** The source for the engine, and the host's interfaces that are left in it. */
async function bundle(kinds) {
    const contents = `import policy from ${JSON.stringify(resolve(entry))};
        export const { ${["metadata", ...kinds].join(", ")} } = policy;`;
    const { outputFiles, metafile } = await esbuild({
        stdin: { contents, resolveDir: dirname(resolve(entry)) },
        write: false,
        metafile: true,
        platform: "neutral",
        mainFields: ["module", "main"],
        conditions: ["pointsman", "import", "default"],
        external: ["pointsman:*"],
        inject: [join(sdk, "build/globals.js")],
        target: "es2023",
    });
    const [{ imports }] = Object.values(metafile.outputs);
    const names = imports.flatMap(({ path }) => HOST.exec(path)?.[1] ?? []);
    return { code: outputFiles[0].text, imports: [...new Set(names)] };
}

function esbuild(options) {
    const alias = { "@pointsman/sdk": join(sdk, "src/index.js") };
    return build({ bundle: true, format: "esm", logLevel: "warning", alias, ...options });
}

/** The SDK that the policy brings in its `node_modules`. */
function ownSdk() {
    try {
        const index = createRequire(resolve(entry)).resolve("@pointsman/sdk");
        return dirname(dirname(realpathSync(index)));
    } catch {
        return undefined;
    }
}

/** The component, in a world of just these exports and imports. */
async function compile(desk, code, kinds, imports) {
    const folder = join(desk, "wit");
    cpSync(wit, folder, { recursive: true });
    const world = [
        ...imports.map((name) => `import ${name};`),
        ...["metadata", ...kinds].map((name) => `export ${name};`),
    ];
    writeFileSync(join(folder, "component.wit"), `world component { ${world.join(" ")} }\n`);
    const { component } = await componentize({
        witPath: folder,
        world: "component",
        jsSource: code,
        // No WASI import is left, so the component asks its host for nothing but policies' own.
        sync: true,
        stubWasi: true,
        // An instance lives for one call: collecting cycles would only touch memory.
        disableGc: true,
    });
    return component;
}
