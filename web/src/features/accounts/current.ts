/** The account that orders are placed in and figures are shown of; remembered by this browser. */
import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "@/api/client";
import { accounts } from "@/api/queries";
import { prefer, usePreferences } from "@/lib/preferences";

export type Account = Schemas["TradingAccountShown"];

export interface AccountsHere {
  all: readonly Account[];
  current: Account | null;
  loading: boolean;
  choose: (id: string) => void;
}

export function useAccount(): AccountsHere {
  const { data, isPending } = useQuery(accounts);
  const { accountId } = usePreferences();
  const all = data?.items ?? [];
  // Never a live one by default: it has to be chosen.
  const current = all.find((each) => each.id === accountId) ?? all.find((each) => each.kind === "paper") ?? null;
  return { all, current, loading: isPending, choose: (id) => prefer({ accountId: id }) };
}
