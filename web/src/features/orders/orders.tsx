/** Every order of the account, newest first, by status. */
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, got } from "@/api/client";
import { useAccount } from "@/features/accounts/current";
import { useWords } from "@/lib/words";
import { Button, Card, Empty, Loading, PageTitle } from "@/ui/basics";
import { Dialog } from "@/ui/dialog";
import { Segments } from "@/ui/form";
import { toast, toastProblem } from "@/ui/toasts";
import { isOpen, OrderTable } from "./order-table";

type Filter = "all" | "open" | "filled" | "denied" | "canceled";
const PAGE = 100;

export function Orders() {
  const { t, named } = useWords();
  const { current } = useAccount();
  const [filter, setFilter] = useState<Filter>("all");
  const orders = useInfiniteQuery({
    queryKey: ["orders", current?.id ?? null, "pages", filter],
    queryFn: ({ pageParam }) =>
      got(api.GET("/api/v1/trading/orders", {
        params: { query: { account_id: current?.id, limit: PAGE, cursor: pageParam ?? undefined, ...(filter === "all" || filter === "open" ? {} : { status: filter }) } },
      })),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const all = orders.data?.pages.flatMap((page) => page.items) ?? [];
  const shown = filter === "open" ? all.filter(isOpen) : all;
  return (
    <>
      <PageTitle actions={<CancelAll accountId={current?.id ?? null} disabled={!all.some(isOpen)} />}>{t("nav.orders")}</PageTitle>
      <Card flush title={<Segments<Filter> label={t("order.filter")} value={filter} onChange={setFilter} options={[
        ["all", t("app.all")], ["open", t("order.open")], ["filled", named("status", "filled")], ["canceled", named("status", "canceled")], ["denied", named("status", "denied")],
      ]} />}>
        {orders.isPending ? <Loading /> : <OrderTable orders={shown} empty={<Empty>{t("order.empty")}</Empty>} />}
        {orders.hasNextPage && <div className="p-3 text-center"><Button onClick={() => void orders.fetchNextPage()} busy={orders.isFetchingNextPage}>{t("app.more")}</Button></div>}
      </Card>
    </>
  );
}

function CancelAll({ accountId, disabled }: { accountId: string | null; disabled: boolean }) {
  const { t } = useWords();
  const [asking, setAsking] = useState(false);
  const queries = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => got(api.DELETE("/api/v1/trading/orders", { params: { query: { account_id: accountId ?? "" } } })),
    onSuccess: () => {
      toast(t("order.canceling"));
      setAsking(false);
    },
    onError: toastProblem,
    onSettled: () => queries.invalidateQueries({ queryKey: ["orders"] }),
  });
  return (
    <>
      <Button size="small" disabled={disabled || accountId === null} onClick={() => setAsking(true)}>{t("order.cancel.all")}</Button>
      <Dialog open={asking} onClose={() => setAsking(false)} title={t("order.cancel.all")}>
        <p className="mb-4">{t("order.cancel.allConfirm")}</p>
        <div className="flex justify-end gap-2">
          <Button onClick={() => setAsking(false)}>{t("app.close")}</Button>
          <Button look="danger" busy={cancel.isPending} onClick={() => cancel.mutate()}>{t("order.cancel.all")}</Button>
        </div>
      </Dialog>
    </>
  );
}
