// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { api } from "@/api/client";
import { remaining } from "@/features/automations/countdown";
import { forgetTime, heardTime, platformNow } from "@/lib/clock";

const TRUE = Date.parse("2026-03-02T00:00:00.700Z");
/** What the header of an answer says that is sent at a time: its second, and no more. */
const header = (time: number): string => new Date(time).toUTCString();

beforeEach(forgetTime);
afterEach(() => { vi.useRealTimers(); });

describe("the platform's time", () => {
  it("is the device's until an answer came", () => expect(platformNow(5)).toBe(5));

  it.each([[-600_000], [0], [3_600_000]])("is known to half a second and half the journey by a device that is %i ms off", (off) => {
    heardTime(header(TRUE), TRUE + off - 100, TRUE + off + 100);
    expect(Math.abs(platformNow(TRUE + off) - TRUE)).toBeLessThanOrEqual(600);
  });

  it("is known the better the more is heard, and a slow answer spoils nothing", () => {
    for (let at = 0; at < 20; at += 1) heardTime(header(TRUE + at * 1050), TRUE + at * 1050 - 90_010, TRUE + at * 1050 - 89_990);
    heardTime(header(TRUE + 30_000), TRUE + 25_000 - 90_000, TRUE + 35_000 - 90_000);
    expect(Math.abs(platformNow(TRUE - 90_000) - TRUE)).toBeLessThanOrEqual(60);
  });

  it("follows a device whose clock is put right", () => {
    heardTime(header(TRUE), TRUE - 600_000, TRUE - 600_000);
    heardTime(header(TRUE), TRUE, TRUE);
    expect(Math.abs(platformNow(TRUE) - TRUE)).toBeLessThanOrEqual(500);
  });

  it("is not taken from what cannot be read, or from a clock that went back meanwhile", () => {
    heardTime(null, 0, 1);
    heardTime("soon", 0, 1);
    heardTime(header(TRUE), TRUE + 10, TRUE);
    expect(platformNow(7)).toBe(7);
  });

  it("comes with every answer, so that the time left to approve is right on a device ten minutes fast", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: TRUE + 600_000 });
    const fetch = () => Promise.resolve(new Response("[]", { headers: { Date: header(TRUE), "Content-Type": "application/json" } }));
    await api.GET("/api/v1/market/indicators", { fetch });
    const left = remaining(new Date(TRUE + 300_000).toISOString(), platformNow());
    expect(left.seconds).toBeGreaterThanOrEqual(299);
    expect(left.seconds).toBeLessThanOrEqual(301);
  });
});
