import { describe, expect, it } from "vitest";
import { isAtStake, liveOffer } from "@/features/accounts/stake";

const all = [{ id: "p", kind: "paper" as const }, { id: "l", kind: "live" as const }];

describe("real money", () => {
  it("is at stake in a live account, and in one of which nobody has said that it is paper", () => {
    expect(isAtStake(all, "p")).toBe(false);
    expect(isAtStake(all, "l")).toBe(true);
    expect(isAtStake(all, "another")).toBe(true);
    expect(isAtStake(undefined, "p")).toBe(true);
  });

  it("is offered to whoever has the permission, where the server speaks to a real environment", () => {
    const paper = [{ environment: "paper" as const }];
    const both = [...paper, { environment: "real" as const }];
    expect(liveOffer(false, both)).toBe("hidden");
    expect(liveOffer(true, undefined)).toBe("off");
    expect(liveOffer(true, paper)).toBe("off");
    expect(liveOffer(true, both)).toBe("open");
  });
});
