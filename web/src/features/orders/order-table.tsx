/** Orders in a table: each leads to its life, and open ones can be canceled or replaced on the spot. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { api, got, type Schemas } from "@/api/client";
import { dateTime } from "@/lib/format";
import { useWords } from "@/lib/words";
import { Badge, Button, type Tone } from "@/ui/basics";
import { Price, Quantity, tint } from "@/ui/figures";
import { Table } from "@/ui/table";
import { toast, toastProblem } from "@/ui/toasts";

export type Order = Schemas["OrderShown"];
type Status = Order["status"];

const TONE: Partial<Record<Status, Tone>> = { filled: "good", denied: "bad", rejected: "bad", unknown: "warn", pending_cancel: "warn", pending_replace: "warn", accepted: "accent", partially_filled: "accent", submitted: "accent", held: "accent" };
export const OPEN: readonly Status[] = ["submitted", "accepted", "partially_filled", "held", "pending_replace", "pending_cancel", "unknown"];
export const isOpen = (order: Order): boolean => OPEN.includes(order.status);
export const mayCancel = (order: Order): boolean => ["submitted", "accepted", "partially_filled", "held", "pending_replace"].includes(order.status);

export function StatusBadge({ status }: { status: Status }) {
  const { named } = useWords();
  return <Badge tone={TONE[status] ?? "plain"}>{named("status", status)}</Badge>;
}

export function SideWord({ side }: { side: Order["side"] }) {
  const { named } = useWords();
  return <span className={`font-semibold ${tint(side === "buy" ? 1 : -1)}`}>{named("side", side)}</span>;
}

export function useCancel() {
  const { t } = useWords();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (orderId: string) => got(api.DELETE("/api/v1/trading/orders/{order_id}", { params: { path: { order_id: orderId } } })),
    onSuccess: () => toast(t("order.canceling")),
    onError: toastProblem,
    onSettled: () => Promise.all(["orders", "order", "summary"].map((key) => queries.invalidateQueries({ queryKey: [key] }))),
  });
}

export function OrderTable({ orders, empty }: { orders: readonly Order[]; empty: ReactNode }) {
  const { t, language, named } = useWords();
  const cancel = useCancel();
  return (
    <Table label={t("nav.orders")} rows={orders} keyOf={(order) => order.id} empty={empty} columns={[
      { key: "time", head: t("order.time"), wide: true, cell: (order) => <span className="num text-quiet">{dateTime(language, order.created_at)}</span> },
      { key: "symbol", head: t("order.symbol"), cell: (order) => <Link to="/orders/$orderId" params={{ orderId: order.id }} className="font-semibold text-accent underline">{order.symbol}</Link> },
      { key: "side", head: t("order.side"), cell: (order) => <SideWord side={order.side} /> },
      { key: "type", head: t("order.type"), wide: true, cell: (order) => named("type", order.order_type) },
      { key: "price", head: t("order.price"), right: true, cell: (order) => <OrderPrice order={order} /> },
      { key: "quantity", head: t("order.quantity"), right: true, wide: true, cell: (order) => <span className="num"><Quantity value={order.filled_quantity} /> / <Quantity value={order.quantity} /></span> },
      { key: "status", head: t("order.status"), cell: (order) => <StatusBadge status={order.status} /> },
      { key: "actions", head: <span className="sr-only">{t("order.cancel")}</span>, right: true, cell: (order) => mayCancel(order) && (
        <Button size="small" onClick={() => cancel.mutate(order.id)} busy={cancel.isPending && cancel.variables === order.id} aria-label={`${t("order.cancel")} ${order.symbol}`}>{t("order.cancel")}</Button>
      ) },
    ]} />
  );
}

export function OrderPrice({ order }: { order: Order }) {
  const { named } = useWords();
  const price = order.average_price ?? order.limit_price ?? order.stop_price;
  return price ? <Price value={price} currency={order.currency} /> : <span className="text-quiet">{named("type", order.order_type)}</span>;
}
