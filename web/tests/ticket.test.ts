import { describe, expect, it } from "vitest";
import { FRESH, lack, orderOf, portion, stepped, type Terms } from "@/features/market/ticket-terms";

const terms = (changes: Partial<Terms>): Terms => ({ ...FRESH, price: "70000", ...changes });

describe("a ticket", () => {
  it.each([
    [{ quantity: "" }, "quantity"], [{ quantity: "0" }, "quantity"], [{ quantity: "-3" }, "quantity"], [{ quantity: "ten" }, "quantity"],
    [{ price: "" }, "price"], [{ type: "stop", stop: "" }, "stop"], [{ type: "trailing_stop", trail: "x" }, "trail"],
    [{ type: "market", price: "" }, null], [{}, null],
  ] as [Partial<Terms>, string | null][])("with %o lacks %s", (changes, missing) => {
    expect(lack(terms(changes))).toBe(missing);
  });

  it("asks for no price at market, whatever was typed before", () => {
    expect(orderOf(terms({ type: "market" }), "a", "005930", "mine-1")).toMatchObject({ limit_price: null, stop_price: null, client_order_id: "mine-1" });
  });

  it("takes no bracket along on a sale", () => {
    expect(orderOf(terms({ side: "sell", stopLoss: "60000", takeProfit: "80000" }), "a", "005930", "1")).toMatchObject({ take_profit_price: null, stop_loss_price: null });
  });

  it("steps in whole shares and never below one", () => expect([stepped("5", 1), stepped("1", -1), stepped("", 10), stepped("2.5", 1)]).toEqual(["6", "1", "10", "3"]));

  it("buys what the cash pays for, and sells what is free", () => {
    expect(portion("buy", 50, "1000000", "70000", "0")).toBe("7");
    expect(portion("sell", 25, "0", "70000", "40")).toBe("10");
    expect(portion("buy", 10, "100", "70000", "0")).toBe("1");
  });
});
