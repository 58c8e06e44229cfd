/** Opening an account: paper in one step, live only on a broker connection that is there already. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, got, onceOnly } from "@/api/client";
import { useHomeMarket } from "@/features/market/home";
import { prefer } from "@/lib/preferences";
import { useWords } from "@/lib/words";
import { Button, Note } from "@/ui/basics";
import { Form, Input, Segments, Select } from "@/ui/form";
import { toast } from "@/ui/toasts";

const CASH = { KRW: "10000000", USD: "10000" } as const;

export function OpenAccount({ onDone }: { onDone?: () => void }) {
  const { t } = useWords();
  const queries = useQueryClient();
  const [name, setName] = useState<string>(t("account.name.default"));
  const [kind, setKind] = useState<"paper" | "live">("paper");
  const [picked, setPicked] = useState<"KRW" | "USD" | null>(null);
  // The money that buys what can be bought here.
  const usual = useHomeMarket() === "US" ? "USD" : "KRW";
  const currency = picked ?? usual;
  const [written, setCash] = useState<string | null>(null);
  const cash = written ?? CASH[currency];
  const [connection, setConnection] = useState("");
  const connections = useQuery({ queryKey: ["connections"], queryFn: () => got(api.GET("/api/v1/broker/connections")) });
  const usable = (connections.data?.items ?? []).filter((each) => (kind === "live") === (each.environment === "real"));
  const open = useMutation({
    mutationFn: () =>
      got(api.POST("/api/v1/trading/accounts", {
        headers: onceOnly(),
        body: { name: name.trim(), kind, currency, connection_id: connection || null, ...(kind === "paper" && !connection ? { initial_cash: cash } : {}) },
      })),
    onSuccess: async (account) => {
      prefer({ accountId: account.id });
      await queries.invalidateQueries();
      toast(t("account.opened"), "good");
      onDone?.();
    },
  });
  const turn = (next: "KRW" | "USD"): void => {
    setPicked(next);
    setCash(null);
  };
  return (
    <Form onSubmit={() => open.mutate()} error={open.error} label={t("account.open")}>
      <Input name="name" label={t("account.name")} value={name} onText={setName} />
      <Segments label={t("account.kind")} value={kind} options={[["paper", t("account.paper")], ["live", t("account.live")]]} onChange={setKind} grow />
      {kind === "live" && <Note tone="warn">{t("account.live.warning")}</Note>}
      <Select name="connection_id" label={t("account.connection")} value={connection} onText={setConnection}
        options={[...(kind === "paper" ? [["", t("account.simulator")] as const] : [["", "–"] as const]), ...usable.map((each) => [each.id, `${each.name} (${each.broker})`] as const)]} />
      <Segments label={t("account.currency")} value={currency} options={[["KRW", t("account.KRW")], ["USD", t("account.USD")]]} onChange={turn} grow />
      {kind === "paper" && !connection && <Input name="initial_cash" label={t("account.cash")} inputMode="decimal" value={cash} onText={setCash} />}
      <Button type="submit" look="main" size="large" busy={open.isPending}>{t("account.open")}</Button>
    </Form>
  );
}
