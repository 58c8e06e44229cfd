/** A strategy as a form holds it: shares of one as percentages, and back without a float between. */
import type { Schemas } from "@/api/client";

export type StrategyIn = Schemas["StrategyIn"];

export interface StrategyForm {
  name: string; description: string; entry: string; exit: string;
  stopLoss: string; takeProfit: string; trailing: string; holding: string; portion: string; slippage: string;
  /** What the form has no fields for, kept as it was: who changes a name must not lose a universe. */
  kept: Pick<StrategyIn, "portfolio" | "volume_share" | "fee_schedule">;
}

export const BLANK: StrategyForm = { name: "", description: "", entry: "", exit: "", stopLoss: "", takeProfit: "", trailing: "", holding: "", portion: "100", slippage: "0", kept: {} };

/** Moves the decimal point of a decimal string: by 2 a share becomes a percentage, by -2 the other way. */
export function shifted(text: string, places: number): string {
  const match = /^(\d+)(?:\.(\d+))?$/.exec(text.trim());
  if (!match) return text.trim(); // not a number: the server says so beside its field
  const fraction = match[2] ?? "";
  const digits = `${match[1]}${fraction}`.padStart(fraction.length + Math.max(-places, 0) + 1, "0");
  const point = digits.length - fraction.length + places;
  const whole = digits.padEnd(point, "0").slice(0, point).replace(/^0+(?=\d)/, "");
  const rest = digits.slice(point).replace(/0+$/, "");
  return rest ? `${whole}.${rest}` : whole;
}

const percent = (share: string | null | undefined): string => (share ? shifted(share, 2) : "");
const share = (text: string): string | null => (text.trim() ? shifted(text, -2) : null);

export function formOf(given: Pick<StrategyIn, "name" | "description" | "entry" | "exit" | "stop_loss" | "take_profit" | "trailing_stop" | "holding_bars" | "portion" | "slippage" | "portfolio" | "volume_share" | "fee_schedule">): StrategyForm {
  return {
    name: given.name, description: given.description ?? "", entry: given.entry, exit: given.exit,
    stopLoss: percent(given.stop_loss), takeProfit: percent(given.take_profit), trailing: percent(given.trailing_stop),
    holding: given.holding_bars ? String(given.holding_bars) : "", portion: percent(given.portion ?? "1"), slippage: percent(given.slippage ?? "0") || "0",
    kept: { portfolio: given.portfolio, volume_share: given.volume_share, fee_schedule: given.fee_schedule },
  };
}

export function documentOf(form: StrategyForm): StrategyIn {
  return {
    ...form.kept,
    name: form.name.trim(), description: form.description.trim(), entry: form.entry.trim(), exit: form.exit.trim(),
    stop_loss: share(form.stopLoss), take_profit: share(form.takeProfit), trailing_stop: share(form.trailing),
    holding_bars: form.holding.trim() ? Number(form.holding) : null, portion: share(form.portion) ?? "1", slippage: share(form.slippage) ?? "0",
  };
}
