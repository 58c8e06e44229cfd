/** What went wrong, as the platform says it: problem+json with a stable code, and a sentence for each field. */
import { type Language, preferences } from "@/lib/preferences";
import { retold } from "@/lib/retold";
import { say, sayOr, WORDS } from "@/lib/words";
import type { components } from "./schema";

export type ProblemBody = components["schemas"]["Problem"];
type FieldProblem = components["schemas"]["FieldError"];

export class Problem extends Error {
  constructor(readonly body: ProblemBody) {
    super(body.detail);
  }

  get code(): string {
    return this.body.code;
  }

  get status(): number {
    return this.body.status;
  }

  /** A further member of the problem, such as `order_id`. */
  member(name: string): string | null {
    const value = (this.body as Record<string, unknown>)[name];
    return typeof value === "string" ? value : null;
  }
}

/** No answer came: the network is away, or the gateway is. `unknown` what became of a request that changes something. */
export function unreachable(): Problem {
  return new Problem({ type: "urn:exodus:problem:unreachable", title: "", status: 0, detail: "", code: "unreachable", request_id: null });
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem({ type: "about:blank", title: "", status: 0, detail: String(error), code: "client_error", request_id: null });
}

/** The sentence for a person: in their language where we have it, and always what the server said where we have not. */
export function explain(error: unknown, language: Language = preferences().language): string {
  const problem = asProblem(error);
  const known = `problem.${problem.code}` in WORDS;
  const detail = retold(language, problem.body.detail);
  const sentence = sayOr(language, `problem.${problem.code}`, detail || problem.body.title);
  // Our words say what to do; the platform's detail has the figures, and is worth the line it takes.
  return known && detail && FIGURES.has(problem.code) ? `${sentence} (${detail})` : sentence;
}

const FIGURES = new Set([
  "broker_refused", "insufficient_cash", "insufficient_shares", "price_off_tick", "price_outside_band", "fat_finger_value", "fat_finger_quantity",
  "price_too_far", "position_limit", "daily_loss_limit", "daily_trade_limit", "open_order_limit", "invalid_rule", "invalid_strategy_file", "not_of_this_kind", "bad_rows",
  "cooling_off", "too_many", "quantity_off_lot", "order_type_not_allowed", "too_many_attempts", "strategy_unusable", "universe_empty", "schedule_never_fires", "not_enough_history", "period_too_short", "period_too_long", "too_large", "off_calendar",
]);

/** `body.symbols.3` is the input `symbols`: a place in a list is not a field of the form. */
const nameOf = (path: string): string => path.split(".").filter((part) => !/^\d+$/.test(part)).at(-1) ?? path;

/** `body.ranking.1.factor` names one of several inputs `factor`: there the whole path is the name. */
const placeOf = (path: string): string | null => (/\.\d+\.\D/.test(path) ? path.replace(/^body\./, "") : null);

/** Field → sentence. A field's path ends in the name of its input, or is the name of one among others like it. */
export function fieldErrors(error: unknown, language: Language = preferences().language): Record<string, string> {
  if (!(error instanceof Problem)) return {};
  return Object.fromEntries(
    (error.body.errors ?? []).map((each) => [
      placeOf(each.field) ?? nameOf(each.field),
      aboutField(each, language),
    ]),
  );
}

/** A sentence about a field that the form has no input for: with the field's name, or alone where it is about the whole. */
export function aboutForm(name: string, sentence: string, language: Language): string {
  return name === "body" ? sentence : `${sayOr(language, `name.${name}`, name)}: ${sentence}`;
}

/** The kind of mistake in our words, with the bound the message names; else the problem it is, or the message itself. */
function aboutField({ code, message }: Pick<FieldProblem, "code" | "message">, language: Language): string {
  const plain = message.replace(/^Value error, /, "");
  const why = retold(language, plain);
  if (code === "value_error" && why !== plain) return `${why}.`;
  const bound = /than (?:or equal to )?(\S+)$/.exec(message)?.[1] ?? /-?\d+(\.\d+)?/.exec(message)?.[0] ?? "";
  if (code === "string_too_short" && bound === "1") return say(language, "field.missing");
  const body = { type: "", title: "", status: 422, detail: message, code, request_id: null };
  return sayOr(language, `field.${code}`, explain(new Problem(body), language), { bound, why });
}
