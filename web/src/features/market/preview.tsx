/** What an order would cost and what risk would say, asked of the server shortly after the last key. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { explain, Problem } from "@/api/problem";
import { useWords } from "@/lib/words";
import { Note } from "@/ui/basics";
import { Money } from "@/ui/figures";
import type { Outcome } from "./outcome";

const REST_MS = 300;

function useRested<T>(value: T): T {
  const [rested, setRested] = useState(value);
  const key = JSON.stringify(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(JSON.parse(key) as T), REST_MS);
    return () => clearTimeout(timer);
  }, [key]);
  return rested;
}

export interface Preview { data: Schemas["PreviewShown"] | undefined; checking: boolean; error: Problem | null }

export function usePreview(order: Schemas["PlaceOrder"] | null): Preview {
  const rested = useRested(order);
  const asked = useQuery({
    queryKey: ["preview", rested],
    queryFn: () => got(api.POST("/api/v1/trading/orders/preview", { body: rested as Schemas["PlaceOrder"] })),
    enabled: rested !== null,
    retry: false,
    staleTime: 2_000,
  });
  const current = rested !== null && order !== null && JSON.stringify(order) === JSON.stringify(rested);
  // A preview that did not come is no reason to stand in the way; what it says about a field is.
  const error = current && asked.error instanceof Problem && asked.error.status === 422 ? asked.error : null;
  return { data: current ? asked.data : undefined, checking: order !== null && (!current || asked.isFetching), error };
}

export function Verdict({ preview: { data, checking } }: { preview: Preview }) {
  const { t } = useWords();
  if (!data) return <p className="min-h-6 text-sm text-quiet" aria-live="polite">{checking ? t("ticket.checking") : ""}</p>;
  const { estimate, currency } = data;
  const lines = estimate && ([[t("ticket.value"), estimate.value], [t("ticket.fee"), estimate.fee], [t("ticket.tax"), estimate.tax], [t("ticket.hold"), estimate.hold]] as const);
  return (
    <div className="grid gap-2 rounded-lg bg-raised p-3 text-sm" aria-live="polite" data-verdict={data.verdict}>
      {lines && (
        <dl className="grid grid-cols-[1fr_auto] gap-y-1">
          {lines.map(([name, value]) => [<dt key={name} className="text-quiet">{name}</dt>, <dd key={`${name} value`} className="text-right"><Money value={value} currency={currency} /></dd>])}
        </dl>
      )}
      <Reason preview={data} />
    </div>
  );
}

function Reason({ preview }: { preview: Schemas["PreviewShown"] }) {
  const { t, language } = useWords();
  if (preview.verdict === "approved") return <p className="font-semibold text-good">✓ {t("ticket.ok")}</p>;
  const problem = new Problem({ type: "", title: "", status: 422, code: preview.reason ?? "denied", detail: preview.detail ?? "", request_id: null });
  return <p className="font-semibold text-bad">✕ {t("ticket.denied")}: <span className="font-normal">{explain(problem, language)}</span></p>;
}

const SEE = "font-semibold underline";

export function OutcomeNote({ outcome }: { outcome: Outcome }) {
  const { t, named } = useWords();
  const see = (orderId: string) => <Link to="/orders/$orderId" params={{ orderId }} className={SEE}>{t("ticket.view")}</Link>;
  switch (outcome.kind) {
    case "placed":
      return <Note tone="good" role="status">{t("ticket.placed")} · {named("status", outcome.order.status)} {see(outcome.order.id)}</Note>;
    case "denied": {
      const orderId = outcome.problem.member("order_id");
      return orderId ? <Note tone="bad" role="status">{t("ticket.wasDenied")} {see(orderId)}</Note> : null;
    }
    case "looking":
      return <Note tone="warn" role="status">{t("ticket.lostAnswer")}</Note>;
    case "arrived":
      return <Note tone="good" role="status">{t("ticket.arrived")} {see(outcome.order.id)}</Note>;
    case "not-arrived":
      return <Note tone="warn" role="alert">{t("ticket.notArrived")}</Note>;
    case "still-unknown":
      return <Note tone="warn" role="alert">{t("ticket.stillUnknown")}</Note>;
  }
}
