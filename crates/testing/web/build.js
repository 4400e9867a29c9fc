// Bundles the pages into the folder named by CONFOCAL_WEB_OUT (default: target/confocal/web of the workspace).
import { cp, mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(here, process.env.CONFOCAL_WEB_OUT ?? "../../../target/confocal/web");
const bundled = ["demo.js", "demo.css", "person.js"];
const copied = ["demo.html", "person.html"];

await mkdir(out, { recursive: true });
// Chunk names carry a hash, so an earlier build's chunks would pile up.
for (const name of await readdir(out)) {
  if (/^chunk-.*\.js(\.map)?$/.test(name)) await rm(join(out, name));
}

await build({
  entryPoints: bundled.map((name) => join(here, "src", name)),
  outdir: out,
  bundle: true,
  format: "esm",
  // matrix-js-sdk imports its encryption lazily; a chunk of its own is never loaded by these pages.
  splitting: true,
  chunkNames: "chunk-[hash]",
  target: "chrome123",
  define: { global: "window" },
  sourcemap: "linked",
  logLevel: "warning",
});
for (const name of copied) await cp(join(here, "src", name), join(out, name));
console.log(out);
