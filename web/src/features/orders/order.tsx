/** One order: where it stands, each step it took, and what can still be done about it. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { api, got, onceOnly } from "@/api/client";
import { explain, Problem } from "@/api/problem";
import { executions, order as orderQuery } from "@/api/queries";
import { useAccount } from "@/features/accounts/current";
import { KindOf, RealMoney } from "@/features/accounts/real-money";
import { dateTime, day, price, time } from "@/lib/format";
import { useWords, WORDS, type Word } from "@/lib/words";
import { useSteps } from "@/live/account";
import { AccountKind, Button, Card, cx, Empty, Facts, Loading, Note, PageTitle } from "@/ui/basics";
import { Copyable } from "@/ui/copyable";
import { Dialog } from "@/ui/dialog";
import { Money, Price, Quantity } from "@/ui/figures";
import { Form, Input } from "@/ui/form";
import { Table } from "@/ui/table";
import { toast } from "@/ui/toasts";
import { type LifeStep, lifeOf } from "./life";
import { mayCancel, type Order, OrderPrice, SideWord, StatusBadge, useCancel } from "./order-table";

export function OrderPage() {
  const { t, language } = useWords();
  const { orderId } = useParams({ strict: false });
  const id = orderId ?? "";
  const order = useQuery(orderQuery(id));
  const fills = useQuery(executions(id));
  const heard = useSteps(id);
  if (order.error) return <Empty>{explain(order.error, language)}</Empty>;
  if (!order.data) return <Loading />;
  return (
    <>
      <PageTitle actions={<Actions order={order.data} />}>
        <span className="flex flex-wrap items-center gap-2">
          <Link to="/market/$symbol" params={{ symbol: order.data.symbol }} className="underline decoration-line underline-offset-4">{order.data.symbol}</Link>
          <SideWord side={order.data.side} /> <StatusBadge status={order.data.status} /> <KindOf accountId={order.data.account_id} />
        </span>
      </PageTitle>
      <div className="grid gap-4 lg:grid-cols-2">
        <div className="grid content-start gap-4">
          <Why order={order.data} />
          <Details order={order.data} />
        </div>
        <div className="grid content-start gap-4">
          <Card title={t("order.life")}><Life steps={lifeOf(order.data, fills.data?.items ?? [], heard)} order={order.data} /></Card>
          <Card title={t("order.executions")} flush>
            <Table label={t("order.executions")} rows={fills.data?.items ?? []} keyOf={(each) => each.execution_id} empty={<Empty>{t("order.executions.none")}</Empty>} columns={[
              { key: "time", head: t("order.time"), cell: (each) => <span className="num">{dateTime(language, each.executed_at)}</span> },
              { key: "quantity", head: t("ticket.quantity"), right: true, cell: (each) => <Quantity value={each.quantity} /> },
              { key: "price", head: t("order.price"), right: true, cell: (each) => <Price value={each.price} currency={each.currency} /> },
              { key: "settles", head: t("order.settles"), wide: true, cell: (each) => day(language, each.settlement_date) },
            ]} />
          </Card>
        </div>
      </div>
    </>
  );
}

/** What was refused is explained, and so is what is not known. */
function Why({ order }: { order: Order }) {
  const { t, language } = useWords();
  if (order.status === "unknown") return <Note tone="warn" role="status"><strong className="block">{t("order.unknown.title")}</strong>{t("order.unknown.body")}</Note>;
  if (!order.reason) return null;
  const problem = new Problem({ type: "", title: order.reason, status: 422, code: order.reason, detail: order.detail ?? order.reason, request_id: null });
  return <Note tone="bad">{explain(problem, language)}</Note>;
}

function Details({ order }: { order: Order }) {
  const { t, language, named } = useWords();
  const { all } = useAccount();
  const account = all.find((each) => each.id === order.account_id);
  return (
    <Card title={t("order.title")}>
      <Facts items={[
        [t("order.type"), `${named("type", order.order_type)} · ${named("tif", order.time_in_force)}`],
        [t("order.quantity"), <span key="quantity" className="num"><Quantity value={order.filled_quantity} /> / <Quantity value={order.quantity} /></span>],
        [t(order.average_price ? "order.average" : "order.price"), <OrderPrice key="price" order={order} />],
        [t("order.cost"), <span key="cost"><Money value={order.fee} currency={order.currency} /> · <Money value={order.tax} currency={order.currency} /></span>],
        [t("order.account"), account ? <span key="account" className="flex flex-wrap items-center gap-1.5">{account.name} <AccountKind kind={account.kind} /></span> : "–"],
        [t("order.venue"), named("venue", order.venue)],
        [t("order.time"), dateTime(language, order.created_at)],
        [t("order.clientId"), <code key="client" className="text-xs break-all">{order.client_order_id}</code>],
        [t("order.id"), <code key="id" className="text-xs break-all">{order.id}</code>],
        ...(order.trace_id ? [[t("order.trace"), <Copyable key="trace" text={order.trace_id} />] as const] : []),
      ]} />
    </Card>
  );
}

const DOTS = { done: "bg-good", now: "bg-accent animate-pulse motion-reduce:animate-none", bad: "bg-bad", wait: "bg-line" } as const;

function Life({ steps, order }: { steps: readonly LifeStep[]; order: Order }) {
  const { t, language } = useWords();
  const said = (step: LifeStep): string => {
    const word = `step.${step.word}`;
    if (!(word in WORDS)) return step.word;
    return t(word as Word, step.execution ? { quantity: step.execution.quantity, price: price(language, step.execution.price, order.currency) } : {});
  };
  return (
    <ol className="grid">
      {steps.map((step) => (
        <li key={step.key} data-step={step.word} className="relative grid grid-cols-[1rem_1fr_auto] gap-3 pb-5 last:pb-0 not-last:before:absolute not-last:before:top-4 not-last:before:bottom-0 not-last:before:left-[0.45rem] not-last:before:w-px not-last:before:bg-line">
          <span aria-hidden="true" className={cx("mt-1.5 size-3.5 rounded-full", DOTS[step.tone])} />
          <span className={cx(step.tone === "bad" && "text-bad", step.tone === "now" && "font-semibold")}>{said(step)}</span>
          <span className="num text-xs leading-6 text-quiet">{step.at && time(language, step.at)}</span>
        </li>
      ))}
    </ol>
  );
}

function Actions({ order }: { order: Order }) {
  const { t } = useWords();
  const [replacing, setReplacing] = useState(false);
  const cancel = useCancel();
  if (!mayCancel(order)) return null;
  return (
    <>
      <Button size="small" onClick={() => setReplacing(true)}>{t("order.replace")}</Button>
      <Button size="small" look="danger" busy={cancel.isPending} onClick={() => cancel.mutate(order.id)}>{t("order.cancel")}</Button>
      <Dialog open={replacing} onClose={() => setReplacing(false)} title={t("order.replace")}>
        <Replace order={order} onDone={() => setReplacing(false)} />
      </Dialog>
    </>
  );
}

function Replace({ order, onDone }: { order: Order; onDone: () => void }) {
  const { t } = useWords();
  const queries = useQueryClient();
  const [limit, setLimit] = useState(order.limit_price ?? "");
  const [stop, setStop] = useState(order.stop_price ?? "");
  const [quantity, setQuantity] = useState(order.quantity);
  const replace = useMutation({
    mutationFn: () =>
      got(api.PATCH("/api/v1/trading/orders/{order_id}", {
        params: { path: { order_id: order.id } },
        headers: onceOnly(),
        // Only what differs: the rest stays as it is.
        body: {
          ...(limit !== (order.limit_price ?? "") ? { limit_price: limit } : {}),
          ...(stop !== (order.stop_price ?? "") ? { stop_price: stop } : {}),
          ...(quantity !== order.quantity ? { quantity } : {}),
        },
      })),
    onSuccess: async () => {
      toast(t("order.replaced"));
      await queries.invalidateQueries({ queryKey: ["order", order.id] });
      onDone();
    },
  });
  return (
    <Form onSubmit={() => replace.mutate()} error={replace.error}>
      <RealMoney accountId={order.account_id} />
      {order.limit_price && <Input name="limit_price" label={t("ticket.price")} inputMode="decimal" value={limit} onText={setLimit} />}
      {order.stop_price && <Input name="stop_price" label={t("ticket.stop")} inputMode="decimal" value={stop} onText={setStop} />}
      <Input name="quantity" label={t("ticket.quantity")} inputMode="decimal" value={quantity} onText={setQuantity} />
      <Button type="submit" look="main" busy={replace.isPending}>{t("order.replace")}</Button>
    </Form>
  );
}
