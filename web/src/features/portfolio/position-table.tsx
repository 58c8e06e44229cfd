/** What is held, what it is worth now and what it has brought; each can be sold from here. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useRef, useState } from "react";
import { api, got, onceOnly, type Schemas } from "@/api/client";
import { RealMoney } from "@/features/accounts/real-money";
import { useWords } from "@/lib/words";
import { Button } from "@/ui/basics";
import { Dialog } from "@/ui/dialog";
import { Money, Move, Price, Quantity } from "@/ui/figures";
import { Form } from "@/ui/form";
import { Table } from "@/ui/table";
import { toast } from "@/ui/toasts";

type Position = Schemas["PositionShown"];

export function PositionTable({ positions, empty }: { positions: readonly Position[]; empty: ReactNode }) {
  const { t } = useWords();
  const [closing, setClosing] = useState<Position | null>(null);
  const held = positions.filter((each) => each.quantity !== "0");
  return (
    <>
      <Table label={t("portfolio.positions")} rows={held} keyOf={(each) => `${each.account_id}${each.symbol}`} empty={empty} columns={[
        { key: "symbol", head: t("order.symbol"), cell: (each) => <Link to="/market/$symbol" params={{ symbol: each.symbol }} className="font-semibold text-accent underline">{each.symbol}</Link> },
        { key: "quantity", head: t("portfolio.quantity"), right: true, cell: (each) => <Quantity value={each.quantity} /> },
        { key: "average", head: t("portfolio.average"), right: true, wide: true, cell: (each) => <Price value={each.average_price} currency={each.currency} /> },
        { key: "last", head: t("portfolio.last"), right: true, wide: true, cell: (each) => (each.last_price ? <Price value={each.last_price} currency={each.currency} /> : "–") },
        { key: "value", head: t("portfolio.value"), right: true, wide: true, cell: (each) => <Money value={each.market_value} currency={each.currency} /> },
        { key: "profit", head: t("portfolio.profit"), right: true, cell: (each) => <span className="grid justify-items-end leading-tight"><Money value={each.unrealized_profit} currency={each.currency} signed />{each.unrealized_percent && <span className="text-xs"><Move percent={each.unrealized_percent} /></span>}</span> },
        { key: "close", head: <span className="sr-only">{t("portfolio.close")}</span>, right: true, cell: (each) => <Button size="small" disabled={each.sellable === "0"} onClick={() => setClosing(each)} aria-label={`${t("portfolio.close")} ${each.symbol}`}>{t("side.sell")}</Button> },
      ]} />
      <Dialog open={closing !== null} onClose={() => setClosing(null)} title={t("portfolio.close")}>
        {closing && <Close position={closing} onDone={() => setClosing(null)} />}
      </Dialog>
    </>
  );
}

function Close({ position, onDone }: { position: Position; onDone: () => void }) {
  const { t } = useWords();
  const queries = useQueryClient();
  // One key for as long as the dialog is open: pressed twice, it sells once.
  const key = useRef(onceOnly());
  const close = useMutation({
    mutationFn: () => got(api.POST("/api/v1/trading/positions/{symbol}/close", { params: { path: { symbol: position.symbol } }, headers: key.current, body: { account_id: position.account_id, client_order_id: key.current["Idempotency-Key"] } })),
    onSuccess: async () => {
      toast(t("portfolio.closed"), "good");
      await Promise.all(["orders", "summary"].map((name) => queries.invalidateQueries({ queryKey: [name] })));
      onDone();
    },
  });
  return (
    <Form onSubmit={() => close.mutate()} error={close.error}>
      <RealMoney accountId={position.account_id} />
      <p>{t("portfolio.close.confirm", { symbol: position.symbol, quantity: position.sellable })}</p>
      <Button type="submit" look="down" busy={close.isPending}>{t("portfolio.close")}</Button>
    </Form>
  );
}
