/** What today has brought: all there is now against the end of the session before, what was paid in and out apart. */
import type { Schemas } from "@/api/client";
import { minus, plus } from "@/lib/decimal";

export interface Today {
  /** Money, with its sign. */
  profit: string;
  /** Of what the day began with; null where that was nothing. */
  share: number | null;
}

/** `points` end in the present; `total` is newer than they are where prices have moved since. Null before the first. */
export function todayOf(points: readonly Pick<Schemas["PointShown"], "equity" | "deposits" | "withdrawals">[], total: string): Today | null {
  const present = points.at(-1);
  if (!present) return null;
  const began = minus(plus(points.at(-2)?.equity ?? "0", present.deposits), present.withdrawals);
  const profit = minus(total, began);
  return { profit, share: Number(began) > 0 ? Number(profit) / Number(began) : null };
}
