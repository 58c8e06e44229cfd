// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { retold, retoldNotice } from "@/lib/retold";

describe("a sentence of the platform", () => {
  it("is told in Korean, with its figures", () => {
    expect(retold("ko", "it has placed 3 orders today, which is its limit")).toBe("오늘 한도인 3건을 주문했습니다");
  });

  it("stays as it is in English", () => {
    expect(retold("en", "it has this symbol already")).toBe("it has this symbol already");
  });

  it("nobody has translated is told in the platform's words", () => {
    expect(retold("ko", "the moon is full")).toBe("the moon is full");
  });

  it("may hold another, and values that have words of their own", () => {
    expect(retold("ko", "AAPL, 2013-03-01 14:30: no order (nobody answered in time), where the backtest trades at the next open"))
      .toBe("AAPL, 2013-03-01 14:30: 주문이 없습니다(시간 안에 답이 없었습니다). 백테스트는 다음 시가에 거래합니다");
    expect(retold("ko", "NXT takes no market order for day in its auction.")).toBe("NXT에서는 종가 단일가에 시장가(당일) 주문을 받지 않습니다.");
  });

  it("that refuses an order begins with our words for its reason", () => {
    const sentence = "insufficient_cash: The order may cost 105 USD with its fee, 3 are available.";
    expect(retold("ko", sentence)).toBe("주문 가능 금액이 부족합니다. 수량을 줄이거나 입금하세요. (수수료까지 105 USD 필요한데, 주문 가능 금액은 3입니다.)");
    expect(retold("en", sentence)).toBe("Not enough cash. Lower the quantity, or deposit more. (The order may cost 105 USD with its fee, 3 are available.)");
  });

  it("is told in Korean where a validator has said it, with the names of fields", () => {
    expect(retold("ko", "a limit order needs a limit_price")).toBe("지정가 주문에 필요합니다: 가격");
    expect(retold("ko", "a sale's limit_price lies above its stop_loss_price")).toBe("매도 가격은 손절 가격보다 높아야 합니다");
  });

  it("groups the digits of amounts, and leaves a symbol whole", () => {
    expect(retold("ko", "The order may cost 406586.25 USD with its fee, 10000 are available.")).toBe("수수료까지 406,586.25 USD 필요한데, 주문 가능 금액은 10,000입니다.");
    expect(retold("ko", "1000 shares of 005930 can be sold.")).toBe("005930: 팔 수 있는 수량은 1,000주입니다.");
  });

  it("is the reason in a notice that is Korean already", () => {
    expect(retoldNotice("ko", "사유: it has this symbol already.")).toBe("사유: 이미 이 종목을 가지고 있습니다.");
    expect(retoldNotice("ko", "수수료 83원, 세금 0원.")).toBe("수수료 83원, 세금 0원.");
  });

  it("keeps the braces that belong to it", () => {
    expect(retold("ko", "there is no ticker: write {{ticker}} into the message")).toContain("{{ticker}}");
  });
});
