/** Which of one's lists is shown, a new one, and the end of one. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { prefer } from "@/lib/preferences";
import { useWords } from "@/lib/words";
import { Button } from "@/ui/basics";
import { Dialog } from "@/ui/dialog";
import { Form, Input } from "@/ui/form";
import { toastProblem } from "@/ui/toasts";

type List = Schemas["WatchlistView"];

export function WatchlistChoice({ lists, list }: { lists: readonly List[]; list: List | null }) {
  const { t } = useWords();
  const [naming, setNaming] = useState(false);
  return (
    <>
      {lists.length > 1 && (
        <select aria-label={t("market.watchlist.choose")} value={list?.id} onChange={(event) => prefer({ watchlistId: event.target.value })} className="min-h-9 max-w-28 truncate rounded-lg border border-line bg-page px-2 text-sm">
          {lists.map((each) => <option key={each.id} value={each.id}>{each.name}</option>)}
        </select>
      )}
      {lists.length > 1 && list && <Drop list={list} />}
      <Button size="small" look="quiet" aria-label={t("market.watchlist.new")} onClick={() => setNaming(true)}>＋</Button>
      <Dialog open={naming} onClose={() => setNaming(false)} title={t("market.watchlist.new")}>
        <NewList onDone={() => setNaming(false)} />
      </Dialog>
    </>
  );
}

function NewList({ onDone }: { onDone: () => void }) {
  const { t } = useWords();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const add = useMutation({
    mutationFn: () => got(api.POST("/api/v1/market/watchlists", { body: { name: name.trim(), symbols: [] } })),
    onSuccess: async ({ id }) => {
      await queries.invalidateQueries({ queryKey: ["watchlists"] });
      prefer({ watchlistId: id });
      onDone();
    },
  });
  return (
    <Form onSubmit={() => add.mutate()} error={add.error}>
      <Input name="name" label={t("app.name")} value={name} onText={setName} />
      <Button type="submit" look="main" busy={add.isPending}>{t("app.add")}</Button>
    </Form>
  );
}

function Drop({ list }: { list: List }) {
  const { t } = useWords();
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const drop = useMutation({
    mutationFn: () => got(api.DELETE("/api/v1/market/watchlists/{list_id}", { params: { path: { list_id: list.id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["watchlists"] }),
    onError: toastProblem,
    onSettled: () => setAsking(false),
  });
  return (
    <>
      <Button size="small" look="quiet" aria-label={`${t("app.delete")} ${list.name}`} onClick={() => setAsking(true)}>✕</Button>
      <Dialog open={asking} onClose={() => setAsking(false)} title={t("market.watchlist.drop", { name: list.name })}>
        <div className="flex justify-end gap-2">
          <Button onClick={() => setAsking(false)}>{t("app.cancel")}</Button>
          <Button look="danger" busy={drop.isPending} onClick={() => drop.mutate()}>{t("app.delete")}</Button>
        </div>
      </Dialog>
    </>
  );
}
