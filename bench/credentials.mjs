// Validates content credentials with the C2PA project's own library (c2pa-rs as WebAssembly), outside of faceloom.
//
//   node bench/credentials.mjs FOLDER < list
//
// FOLDER holds node_modules with @contentauth/c2pa-wasm. Each line of the list is a media type, a tab and a path. Each
// line of the answer is JSON: the state ("Valid", "Invalid", or "none" without a manifest), the codes of the failures,
// and the labels of the assertions.

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const library = join(resolve(process.argv[2]), "node_modules/@contentauth/c2pa-wasm/pkg");
const { initSync, WasmReader } = await import(pathToFileURL(join(library, "c2pa.js")));
initSync({ module: readFileSync(join(library, "c2pa_bg.wasm")) });

async function validate(mime, path) {
  let reader;
  try {
    reader = await WasmReader.fromBytes(mime, new Uint8Array(readFileSync(path)));
  } catch (error) {
    const text = String(error?.message ?? error);
    return { state: /no JUMBF|JumbfNotFound|NoManifest/i.test(text) ? "none" : "Error", failures: [text], assertions: [] };
  }
  const store = JSON.parse(reader.json());
  const manifest = store.manifests[store.active_manifest];
  const failures = store.validation_results?.activeManifest?.failure ?? [];
  return {
    state: store.validation_state,
    failures: failures.map(({ code }) => code),
    assertions: manifest.assertions.map(({ label }) => label),
  };
}

for (const line of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const [mime, path] = line.split("\t");
  console.log(JSON.stringify({ path, ...(await validate(mime, path)) }));
}
