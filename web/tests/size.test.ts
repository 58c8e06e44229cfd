import { existsSync, readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";

interface Chunk { file: string; imports?: string[]; css?: string[]; isEntry?: boolean }
const FIRST_LOAD_KB_MAX = 250;
const MANIFEST = "dist/.vite/manifest.json";

/** Every file that must arrive before the dashboard is drawn, as the gateway sends it: compressed. */
function firstLoad(manifest: Record<string, Chunk>, entries: string[]): Set<string> {
  const files = new Set<string>();
  const visit = (key: string): void => {
    const chunk = manifest[key];
    if (!chunk || files.has(chunk.file)) return;
    files.add(chunk.file);
    for (const style of chunk.css ?? []) files.add(style);
    for (const imported of chunk.imports ?? []) visit(imported);
  };
  for (const entry of entries) visit(entry);
  return files;
}

describe("the first load", () => {
  it("stays under 250 kB compressed, chart not included", () => {
    expect(existsSync(MANIFEST), "build first: npm run build").toBe(true);
    const files = firstLoad(JSON.parse(readFileSync(MANIFEST, "utf8")) as Record<string, Chunk>, ["index.html", "src/features/dashboard/dashboard.tsx"]);
    const bytes = [...files].map((file) => statSync(`dist/${file}.gz`).size).reduce((all, size) => all + size, 0);
    expect([...files].some((file) => file.includes("/chart-"))).toBe(false);
    expect(files.size).toBeGreaterThan(2);
    expect(bytes / 1000).toBeLessThan(FIRST_LOAD_KB_MAX);
  });
});
