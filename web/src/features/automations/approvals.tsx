/** Signals that ask before they become orders, with the time that is left to answer. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, got } from "@/api/client";
import { KindOf, useSecondPress } from "@/features/accounts/real-money";
import { SideWord } from "@/features/orders/order-table";
import { platformNow } from "@/lib/clock";
import { useWords } from "@/lib/words";
import { Badge, Button, Card, cx } from "@/ui/basics";
import { Price } from "@/ui/figures";
import { toast, toastProblem } from "@/ui/toasts";
import { remaining } from "./countdown";
import { asked, automations, type Signal } from "./queries";
import { Reasons } from "./signal-table";

const HURRY_SECONDS = 30;

export function Approvals({ automationId }: { automationId?: string }) {
  const { t } = useWords();
  const { data } = useQuery(asked);
  const waiting = (data?.items ?? []).filter((each) => !automationId || each.automation_id === automationId);
  if (waiting.length === 0) return null;
  return (
    <section aria-label={t("signal.asks")} className="mb-4 grid gap-3">
      <h2>{t("signal.asks")}</h2>
      <ul className="grid gap-3 lg:grid-cols-2">{waiting.map((each) => <li key={each.id}><Question signal={each} /></li>)}</ul>
    </section>
  );
}

function Question({ signal }: { signal: Signal }) {
  const { t, named } = useWords();
  const queries = useQueryClient();
  const known = useQuery(automations).data?.items.find((each) => each.id === signal.automation_id);
  const path = { signal_id: signal.id };
  const answer = useMutation({
    mutationFn: async (what: "approve" | "decline") => {
      if (what === "approve") await got(api.POST("/api/v1/trading/signals/{signal_id}/approve", { params: { path } }));
      else await got(api.POST("/api/v1/trading/signals/{signal_id}/decline", { params: { path } }));
      return what;
    },
    onSuccess: (what) => toast(t(what === "approve" ? "signal.approved" : "signal.declined"), what === "approve" ? "good" : "plain"),
    onError: toastProblem,
    onSettled: () => queries.invalidateQueries({ queryKey: ["signals"] }),
  });
  const { ask, dialog } = useSecondPress(signal.account_id);
  const side = named("side", signal.side);
  return (
    <Card className="h-full border-accent" data-signal={signal.id}
      title={<span className="flex flex-wrap items-center gap-2"><SideWord side={signal.side === "sell" ? "sell" : "buy"} /> {signal.symbol} <Badge>{named("signal.kind", signal.kind)}</Badge> <KindOf accountId={signal.account_id} /></span>}
      actions={signal.answer_until && <Countdown until={signal.answer_until} />}>
      {dialog}
      <div className="grid gap-3">
        <p className="text-sm text-quiet">{known?.name} · {t("signal.price")} {known && <Price value={signal.price} currency={known.currency} className="font-semibold text-ink" />}</p>
        <Reasons reasons={signal.reasons} />
        <div className="grid grid-cols-2 gap-2">
          <Button busy={answer.isPending} onClick={() => answer.mutate("decline")} aria-label={`${t("signal.decline")} ${signal.symbol}`}>{t("signal.decline")}</Button>
          <Button look={signal.side === "sell" ? "down" : "up"} busy={answer.isPending} onClick={() => ask(t("signal.approve.live", { side, symbol: signal.symbol }), () => answer.mutate("approve"))} aria-label={`${t("signal.approve")} ${signal.symbol}`}>{t("signal.approve")}</Button>
        </div>
      </div>
    </Card>
  );
}

/** By the platform's clock as far as it is known, and the platform itself decides: so the buttons stay. */
function Countdown({ until }: { until: string }) {
  const { t } = useWords();
  const [now, setNow] = useState(() => platformNow());
  useEffect(() => {
    const timer = setInterval(() => setNow(platformNow()), 1000);
    return () => clearInterval(timer);
  }, []);
  const { seconds, text } = remaining(until, now);
  return <span role="timer" className={cx("num font-semibold", seconds <= HURRY_SECONDS ? "text-bad" : "text-warn")}>{seconds > 0 ? t("signal.left", { left: text }) : t("signal.late")}</span>;
}
