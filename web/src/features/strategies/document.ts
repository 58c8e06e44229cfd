/** A strategy as a form holds it: shares of one as percentages, and back without a float between. */
import type { Schemas } from "@/api/client";
import { percent, share } from "./percent";
import { type PortfolioForm, PLAIN, portfolioFormOf, portfolioOf } from "./portfolio-form";

export type StrategyIn = Schemas["StrategyIn"];

export interface StrategyForm {
  name: string; description: string; entry: string; exit: string;
  stopLoss: string; takeProfit: string; trailing: string; holding: string; portion: string; slippage: string; volumeShare: string;
  /** Whether it chooses among many stocks; what was written of the other kind stays in the form until then. */
  many: boolean;
  portfolio: PortfolioForm;
  /** What the form has no fields for, kept as it was: who changes a name must not lose a fee schedule. */
  kept: Pick<StrategyIn, "fee_schedule">;
}

export const BLANK: StrategyForm = { name: "", description: "", entry: "", exit: "", stopLoss: "", takeProfit: "", trailing: "", holding: "", portion: "100", slippage: "0", volumeShare: "", many: false, portfolio: PLAIN, kept: {} };

export function formOf(given: Pick<StrategyIn, "name" | "description" | "entry" | "exit" | "stop_loss" | "take_profit" | "trailing_stop" | "holding_bars" | "portion" | "slippage" | "portfolio" | "volume_share" | "fee_schedule">): StrategyForm {
  return {
    name: given.name, description: given.description ?? "", entry: given.entry, exit: given.exit,
    stopLoss: percent(given.stop_loss), takeProfit: percent(given.take_profit), trailing: percent(given.trailing_stop),
    holding: given.holding_bars ? String(given.holding_bars) : "", portion: percent(given.portion ?? "1"), slippage: percent(given.slippage ?? "0") || "0",
    volumeShare: percent(given.volume_share), many: Boolean(given.portfolio), portfolio: given.portfolio ? portfolioFormOf(given.portfolio) : PLAIN,
    kept: { fee_schedule: given.fee_schedule },
  };
}

export function documentOf(form: StrategyForm): StrategyIn {
  return {
    ...form.kept,
    name: form.name.trim(), description: form.description.trim(), entry: form.entry.trim(), exit: form.exit.trim(),
    stop_loss: share(form.stopLoss), take_profit: share(form.takeProfit),
    // A portfolio gives up at its next choice: the form has no fields for these two then.
    trailing_stop: form.many ? null : share(form.trailing),
    holding_bars: form.many || !form.holding.trim() ? null : Number(form.holding),
    volume_share: share(form.volumeShare), portfolio: form.many ? portfolioOf(form.portfolio) : null, portion: share(form.portion) ?? "1", slippage: share(form.slippage) ?? "0",
  };
}
