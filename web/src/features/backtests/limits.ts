/** The risk limits of an account as a backtest takes them: the tightest of its own and of those over all accounts. */
import type { Schemas } from "@/api/client";

type Shown = Schemas["LimitsAnswer"]["limits"];
type RunLimits = Schemas["RunLimits"];

/** What a backtest of days knows; the rest is about seconds and limit prices. */
const AMOUNTS = ["order_quantity_max", "order_value_max", "position_value_max", "position_weight_max_percent", "leverage_max", "daily_loss_max", "open_value_max"] as const;
const COUNTS = ["daily_trades_max", "open_orders_max"] as const;

export function tightest(all: readonly Shown[]): RunLimits {
  const found: RunLimits = { restricted_symbols: [...new Set(all.flatMap((each) => each.restricted_symbols ?? []))].sort() };
  for (const name of AMOUNTS) {
    const bounds = all.map((each) => each[name]).filter((bound) => bound != null);
    // Compared as numbers, and sent as they were written.
    found[name] = bounds.sort((one, other) => Number(one) - Number(other))[0] ?? null;
  }
  for (const name of COUNTS) {
    const bounds = all.map((each) => each[name]).filter((bound) => bound != null);
    found[name] = bounds.length ? Math.min(...bounds) : null;
  }
  return found;
}
