import { describe, expect, it } from "vitest";
import { todayOf } from "@/features/dashboard/today";

const point = (equity: string, deposits = "0", withdrawals = "0") => ({ equity, deposits, withdrawals });

describe("what today has brought", () => {
  it("is all there is now, less what there was after the session before", () => {
    expect(todayOf([point("90"), point("100"), point("104")], "105")).toEqual({ profit: "5", share: 0.05 });
  });

  it("counts no money as profit that was paid in, and none as loss that was taken out", () => {
    expect(todayOf([point("100"), point("140", "50", "10")], "140")?.profit).toBe("0");
  });

  it("begins on the first day with what was paid in", () => {
    expect(todayOf([point("10000.00", "10000.00")], "9998.50")).toEqual({ profit: "-1.5", share: -0.00015 });
  });

  it("is unknown before there is any day, and has no share of nothing", () => {
    expect(todayOf([], "0")).toBeNull();
    expect(todayOf([point("0")], "0")?.share).toBeNull();
  });
});
