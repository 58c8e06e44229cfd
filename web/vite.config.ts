import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { constants, gzipSync } from "node:zlib";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Writes each script and style sheet a second time, compressed as well as gzip can: nginx sends it as it lies there. */
function compressedBeside(): Plugin {
  return {
    name: "compressed-beside",
    apply: "build",
    // What was written, not what is about to be: the last replacements are made in between.
    writeBundle({ dir = "dist" }, bundle) {
      for (const name of Object.keys(bundle).filter((each) => /\.(js|css)$/.test(each))) {
        const path = join(dir, name);
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: constants.Z_BEST_COMPRESSION }));
      }
    },
  };
}

/** Has the browser load `early` before the rest, by a tag of its own: what main imports is loaded only after main. */
function earlyFirst(): Plugin {
  return {
    name: "early-first",
    apply: "build",
    transformIndexHtml: (_html, { bundle = {} }) => {
      const early = Object.values(bundle).find((each) => each.type === "chunk" && each.name === "early");
      if (!early) throw new Error("There is no chunk named early.");
      return [{ tag: "script", attrs: { type: "module", async: true, crossorigin: true, src: `/${early.fileName}` }, injectTo: "head-prepend" }];
    },
  };
}

export default defineConfig({
  plugins: [react(), tailwindcss(), compressedBeside(), earlyFirst()],
  resolve: { alias: { "@": fileURLToPath(new URL("src", import.meta.url)) } },
  build: {
    target: "es2022",
    // Inlined files would be data: addresses, which the gateway's content policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    rollupOptions: {
      input: { early: "src/app/early.ts", main: "index.html", sw: "src/sw.ts" },
      output: {
        // The service worker's address must not change, and its scope is the folder it lies in.
        entryFileNames: (chunk) => (chunk.name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
        // A page is a few files, not a dozen: each costs a request, and a slow phone some work.
        experimentalMinChunkSize: 16_000,
        manualChunks: (id) => (/node_modules\/(lightweight-charts|fancy-canvas)\//.test(id) ? "chart" : undefined),
      },
    },
  },
  server: { proxy: { "/api": { target: "https://localhost:8443", secure: false }, "/ws": { target: "wss://localhost:8443", ws: true, secure: false } } },
  test: { environment: "node", setupFiles: "tests/setup.ts", include: ["tests/**/*.test.ts", "tests/**/*.test.tsx"], restoreMocks: true },
});
