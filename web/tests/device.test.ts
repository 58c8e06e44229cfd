import { describe, expect, it } from "vitest";
import { deviceOf } from "@/lib/device";

describe("a device", () => {
  it("is told by its browser and its system", () => {
    expect(deviceOf("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1")).toBe("Safari · iPhone");
    expect(deviceOf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0")).toBe("Edge · Windows");
    expect(deviceOf("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36")).toBe("Samsung Internet · Android");
  });

  it("that is no browser keeps its own name", () => {
    expect(deviceOf("python-httpx/0.28.1")).toBe("python-httpx/0.28.1");
  });
});
