import { describe, expect, it } from "vitest";
import { OrderIds } from "@/features/market/order-ids";

describe("an order's own id", () => {
  it("is another after an answer, whatever it was", () => {
    for (const kind of ["placed", "denied", "arrived"] as const) {
      const ids = new OrderIds();
      const first = ids.of("10 at 70000");
      ids.settle(kind, "10 at 70000");
      expect(ids.of("10 at 70000"), kind).not.toBe(first);
    }
  });

  it("is the same when the same order is sent again after it did not seem to arrive: it may still come", () => {
    const ids = new OrderIds();
    const first = ids.of("10 at 70000");
    ids.settle("not-arrived", "10 at 70000");
    expect(ids.of("10 at 70000")).toBe(first);
  });

  it("is another for other terms, since an id stands for one order", () => {
    const ids = new OrderIds();
    const first = ids.of("10 at 70000");
    ids.settle("not-arrived", "10 at 70000");
    expect(ids.of("20 at 70000")).not.toBe(first);
  });

  it("is kept while it is not known whether it arrived", () => {
    const ids = new OrderIds();
    const first = ids.of("10 at 70000");
    ids.settle("still-unknown", "10 at 70000");
    expect(ids.of("10 at 70000")).toBe(first);
  });
});
