/** Opening an account: paper in one step, live only on a broker connection that is there already. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, got, onceOnly } from "@/api/client";
import { profile } from "@/api/queries";
import { useHomeMarket } from "@/features/market/home";
import { prefer } from "@/lib/preferences";
import { useWords } from "@/lib/words";
import { AccountKind, Button, Note } from "@/ui/basics";
import { Dialog } from "@/ui/dialog";
import { Form, Input, Segments, Select } from "@/ui/form";
import { toast } from "@/ui/toasts";
import { liveOffer } from "./stake";

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
  const permitted = useQuery(profile).data?.permissions.real ?? false;
  const brokers = useQuery({ queryKey: ["brokers"], queryFn: () => got(api.GET("/api/v1/broker/brokers")), enabled: permitted });
  const offer = liveOffer(permitted, brokers.data?.items);
  const [confirming, setConfirming] = useState(false);
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
  const turnKind = (next: "paper" | "live"): void => {
    setKind(next);
    setConnection(""); // what is a connection of one kind is none of the other
    setName(t(next === "live" ? "account.name.live" : "account.name.default"));
  };
  return (
    <Form onSubmit={() => (kind === "live" ? setConfirming(true) : open.mutate())} error={open.error} label={t("account.open")}>
      <Input name="name" label={t("account.name")} value={name} onText={setName} />
      {offer === "open" && <Segments label={t("account.kind")} value={kind} options={[["paper", t("account.paper")], ["live", t("account.live")]]} onChange={turnKind} grow />}
      {offer === "off" && brokers.data && <Note>{t("account.live.off")}</Note>}
      {kind === "live" && <div data-kind="live" className="grid gap-2 rounded-lg border-2 border-live p-3"><span><AccountKind kind="live" /></span><Note tone="warn">{t("account.live.warning")} {t("account.live.begins")}</Note></div>}
      {kind === "live" && usable.length === 0 && <Note tone="accent"><Link to="/connections" className="underline">{t("account.live.noConnection")}</Link></Note>}
      <Select name="connection_id" label={t("account.connection")} value={connection} onText={setConnection}
        options={[...(kind === "paper" ? [["", t("account.simulator")] as const] : [["", "–"] as const]), ...usable.map((each) => [each.id, `${each.name} (${each.broker})`] as const)]} />
      <Segments label={t("account.currency")} value={currency} options={[["KRW", t("account.KRW")], ["USD", t("account.USD")]]} onChange={turn} grow />
      {kind === "paper" && !connection && <Input name="initial_cash" label={t("account.cash")} inputMode="decimal" value={cash} onText={setCash} />}
      <Button type="submit" look={kind === "live" ? "danger" : "main"} size="large" busy={open.isPending} disabled={kind === "live" && !connection}>{t(kind === "live" ? "account.open.live" : "account.open")}</Button>
      <Dialog open={confirming} onClose={() => setConfirming(false)} title={t("account.live.confirm")}>
        <Note tone="warn">{t("account.live.warning")} {t("account.live.begins")}</Note>
        <div className="mt-4 flex justify-end gap-2">
          <Button onClick={() => setConfirming(false)}>{t("app.cancel")}</Button>
          <Button look="danger" onClick={() => { setConfirming(false); open.mutate(); }}>{t("account.open.live")}</Button>
        </div>
      </Dialog>
    </Form>
  );
}
