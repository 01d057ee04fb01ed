import { env } from "node:process";
import { defineConfig } from "vitest/config";

// The page is built into ../dist, where the server and the wheel expect it.
// `npm run dev` uses the server at the address BOOTH, for instance BOOTH=http://127.0.0.1:8000.
export default defineConfig({
  base: "./", // the server puts the path of its public URL before the addresses in index.html
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the page's content security policy forbids data: URLs of fonts and scripts
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { "/api": env.BOOTH ?? "http://127.0.0.1:8000" } },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
