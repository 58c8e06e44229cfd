// @vitest-environment jsdom
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { aboutForm, explain, fieldErrors, Problem } from "@/api/problem";
import { say, speech, WORDS, type Word } from "@/lib/words";
import { said } from "@/words/said";

const pairs = Object.entries({ ...WORDS, ...said }) as [Word, readonly [string, string]][];
const names = (text: string): string[] => [...text.matchAll(/\{([a-z]+)\}/g)].map((match) => match[1] ?? "").sort();

describe("the words", () => {
  it("say everything in Korean and in English", () => {
    const lacking = pairs.filter(([, [korean, english]]) => !korean.trim() || !english.trim());
    expect(lacking.map(([key]) => key)).toEqual([]);
  });

  it("leave the same gaps in both languages", () => {
    const odd = pairs.filter(([, [korean, english]]) => names(korean).join() !== names(english).join());
    expect(odd.map(([key]) => key)).toEqual([]);
  });

  it("hold no Korean in the English half", () => {
    expect(pairs.filter(([, [, english]]) => /[가-힣]/.test(english)).map(([key]) => key)).toEqual([]);
  });

  it("fill the gaps", () => {
    expect(say("en", "kill.done", { count: 3 })).toBe("Trading is stopped. Orders canceled: 3");
  });

  it("know every value that the platform may answer with", () => {
    const { components } = JSON.parse(readFileSync("../contracts/openapi/public.json", "utf8")) as { components: { schemas: Record<string, { enum?: string[] }> } };
    for (const status of components.schemas.TradingStatus?.enum ?? []) expect(`status.${status}` in WORDS, status).toBe(true);
    for (const reason of components.schemas.Reason?.enum ?? []) expect(`problem.${reason}` in WORDS, reason).toBe(true);
    expect(components.schemas.Reason?.enum?.length).toBeGreaterThan(10);
  });

  it("fall back to the platform's own word", () => {
    expect(speech("ko").named("status", "teleported")).toBe("teleported");
  });
});

describe("a problem", () => {
  const body = { type: "", title: "Denied", status: 422, detail: "The order needs 105 USD; 3 are available.", code: "insufficient_cash", request_id: "1", errors: [] };

  it("is told in the person's language, with the figures of the answer", () => {
    const detail = "The order may cost 105 USD with its fee, 3 are available.";
    expect(explain(new Problem({ ...body, detail }), "ko")).toBe("주문 가능 금액이 부족합니다. 수량을 줄이거나 입금하세요. (수수료까지 105 USD 필요한데, 주문 가능 금액은 3입니다.)");
  });

  it("nobody has translated is told in the platform's words", () => {
    expect(explain(new Problem({ ...body, code: "brand_new" }), "ko")).toBe(body.detail);
  });

  it("names a field that the form has no input for, and no more than the sentence where it is about the whole", () => {
    expect(aboutForm("account_id", "목록에서 고르세요.", "ko")).toBe("계좌: 목록에서 고르세요.");
    expect(aboutForm("brand_new", "This is needed.", "en")).toBe("brand_new: This is needed.");
    expect(aboutForm("body", "This cannot be used.", "en")).toBe("This cannot be used.");
  });

  it("says what to do alone where our words for a validator have it", () => {
    const errors = [
      { field: "value", code: "value_error", message: 'must be a decimal number in a string, such as "70100"' },
      { field: "symbol", code: "string_too_short", message: "String should have at least 1 character" },
    ];
    expect(fieldErrors(new Problem({ ...body, errors }), "ko")).toEqual({ value: "70100처럼 숫자로 입력하세요.", symbol: "꼭 입력해야 합니다." });
  });

  it("keeps a bound that is no number", () => {
    const errors = [{ field: "to", code: "less_than_equal", message: "Input should be less than or equal to 2026-12-31" }];
    expect(fieldErrors(new Problem({ ...body, errors }), "en")).toEqual({ to: "Enter 2026-12-31 or less." });
  });

  it("stands beside the fields it names, with what to do", () => {
    const errors = [
      { field: "body.quantity", code: "greater_than", message: "Input should be greater than 0" },
      { field: "symbol", code: "value_error", message: "Value error, not a symbol" },
      { field: "password", code: "weak_password", message: "is one of the most common" },
      { field: "rule", code: "brand_new", message: "is too green" },
    ];
    expect(fieldErrors(new Problem({ ...body, errors }), "ko")).toEqual({
      quantity: "0보다 큰 값을 입력하세요.",
      symbol: "쓸 수 없는 값입니다. (not a symbol)",
      password: "너무 쉬운 비밀번호입니다. 더 길거나 덜 알려진 문장을 쓰세요.",
      rule: "is too green",
    });
  });
});
