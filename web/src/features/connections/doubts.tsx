/** Orders that cannot be told from others at their broker: their owner looks, and says which one it is. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { dateTime } from "@/lib/format";
import { useWords } from "@/lib/words";
import { Button, Card, Empty, Loading, Note } from "@/ui/basics";
import { Dialog } from "@/ui/dialog";
import { toast, toastProblem } from "@/ui/toasts";

export function Doubts() {
  const { t } = useWords();
  const { data } = useQuery({ queryKey: ["doubts"], queryFn: () => got(api.GET("/api/v1/broker/doubts")) });
  if (!data?.items.length) return null;
  return (
    <Card title={t("doubts.title")} className="mb-4">
      <Note tone="warn">{t("doubts.why")}</Note>
      {data.items.map((each) => <Doubt key={each.order_id} doubt={each} />)}
    </Card>
  );
}

function Doubt({ doubt }: { doubt: Schemas["DoubtOut"] }) {
  const { t, named, language } = useWords();
  const queries = useQueryClient();
  const [looks, setLooks] = useState(false);
  const [denies, setDenies] = useState(false);
  const path = { order_id: doubt.order_id };
  const answer = useMutation({
    mutationFn: (broker_order_id: string | null) => got(api.POST("/api/v1/broker/doubts/{order_id}/answer", { params: { path }, body: { broker_order_id } })),
    onSuccess: () => {
      toast(t("doubts.done"), "good");
      return queries.invalidateQueries({ queryKey: ["doubts"] });
    },
    onError: toastProblem,
  });
  return (
    <section className="mt-3 grid gap-2" aria-label={doubt.symbol}>
      <p className="flex flex-wrap items-center gap-2 text-sm">
        <strong>{doubt.symbol}</strong> {named("side", doubt.side)} {doubt.quantity} {doubt.limit_price && `@ ${doubt.limit_price}`} · {dateTime(language, doubt.sent_at)}
      </p>
      <div className="flex flex-wrap gap-2">
        <Button size="small" onClick={() => setLooks(true)}>{t("doubts.look")}</Button>
        <Button size="small" look="quiet" onClick={() => setDenies(true)}>{t("doubts.not")}</Button>
      </div>
      <Dialog open={denies} onClose={() => setDenies(false)} title={t("doubts.not")}>
        <p>{t("doubts.not.why")}</p>
        <div className="mt-4 flex justify-end gap-2">
          <Button onClick={() => setDenies(false)}>{t("app.cancel")}</Button>
          <Button look="danger" busy={answer.isPending} onClick={() => answer.mutate(null)}>{t("doubts.not")}</Button>
        </div>
      </Dialog>
      {looks && <Candidates order={doubt.order_id} busy={answer.isPending} choose={(number) => answer.mutate(number)} />}
    </section>
  );
}

function Candidates({ order, busy, choose }: { order: string; busy: boolean; choose: (number: string) => void }) {
  const { t, language } = useWords();
  const { data } = useQuery({
    queryKey: ["doubts", order],
    queryFn: () => got(api.GET("/api/v1/broker/doubts/{order_id}/candidates", { params: { path: { order_id: order } } })),
    staleTime: 0,
  });
  if (!data) return <Loading />;
  if (data.items.length === 0) return <Empty>{t("doubts.none")}</Empty>;
  return (
    <ul className="grid gap-2">
      {data.items.map((each) => (
        <li key={each.broker_order_id} className="flex flex-wrap items-center justify-between gap-2 rounded-lg border border-line px-3 py-2 text-sm">
          <span className="min-w-0"><strong className="num block break-all">{each.broker_order_id}</strong><span className="text-quiet">{t("doubts.placed")} {dateTime(language, each.placed_at)} · {t("doubts.filled")} {each.filled_quantity}</span></span>
          <Button size="small" look="main" busy={busy} onClick={() => choose(each.broker_order_id)}>{t("doubts.mine")}</Button>
        </li>
      ))}
    </ul>
  );
}
