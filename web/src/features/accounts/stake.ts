/** Whether real money is at stake, and who may be offered it. */
import type { Schemas } from "@/api/client";

type Kinds = readonly Pick<Schemas["TradingAccountShown"], "id" | "kind">[];

/** As long as nobody has said that an account is a paper one, it is taken for a live one. */
export const isAtStake = (all: Kinds | undefined, accountId: string): boolean => all?.find((each) => each.id === accountId)?.kind !== "paper";

export type LiveOffer = "hidden" | "off" | "open";

/** Live is shown to whoever has the permission; while this server speaks to no real environment, only why it cannot be. */
export function liveOffer(permitted: boolean, brokers: readonly Pick<Schemas["BrokerOut"], "environment">[] | undefined): LiveOffer {
  if (!permitted) return "hidden";
  return brokers?.some((each) => each.environment === "real") ? "open" : "off";
}
