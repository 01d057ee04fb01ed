import { env } from "node:process";
import { defineConfig } from "vitest/config";

// The page's build lies beside its sources, where the server and the wheel look for it.
// A server on another port may be borrowed while the page is written: BOOTH=http://127.0.0.1:8000 npm run dev
export default defineConfig({
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the page's policy allows no data: fonts or scripts
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { "/api": env.BOOTH ?? "http://127.0.0.1:8000" } },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
