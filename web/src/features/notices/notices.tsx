/** What the platform has told this person, behind a bell that says how much of it is unread. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { notices } from "@/api/queries";
import { dateTime } from "@/lib/format";
import { retoldNotice } from "@/lib/retold";
import { useWords } from "@/lib/words";
import { Button, Empty } from "@/ui/basics";
import { Dialog } from "@/ui/dialog";

export function Notices() {
  const { t } = useWords();
  const [open, setOpen] = useState(false);
  const queries = useQueryClient();
  const { data } = useQuery(notices);
  const items = data?.items ?? [];
  const unread = items.filter((each) => each.read_at === null).length;
  const read = useMutation({
    mutationFn: () => got(api.POST("/api/v1/notifications/read", { body: { all: true } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["notices"] }),
  });
  return (
    <>
      <button type="button" onClick={() => setOpen(true)} className="relative grid size-9 place-items-center rounded-lg text-quiet hover:bg-raised hover:text-ink">
        <span className="sr-only">{unread ? t("notices.unread", { count: unread }) : t("notices.title")}</span>
        <svg viewBox="0 0 24 24" width="20" height="20" fill="currentColor" aria-hidden="true"><path d="M12 3a6 6 0 0 1 6 6v5l2 3H4l2-3V9a6 6 0 0 1 6-6zm-2 16h4a2 2 0 0 1-4 0z" /></svg>
        {unread > 0 && <span aria-hidden="true" className="absolute -top-0.5 -right-0.5 min-w-4.5 rounded-full bg-bad px-1 text-center text-[0.65rem] leading-4.5 font-bold text-on-move">{unread}</span>}
      </button>
      <Dialog open={open} onClose={() => setOpen(false)} title={t("notices.title")}>
        {items.length === 0 ? <Empty>{t("notices.empty")}</Empty> : (
          <>
            <NoticeList items={items} />
            {unread > 0 && <Button className="mt-4 w-full" busy={read.isPending} onClick={() => read.mutate()}>{t("notices.read")}</Button>}
          </>
        )}
      </Dialog>
    </>
  );
}

/** What is not read yet stands out. */
export function NoticeList({ items }: { items: readonly Schemas["NoticeShown"][] }) {
  const { language } = useWords();
  return (
    <ul className="grid gap-1">
      {items.map((each) => (
        <li key={each.id} className={each.read_at ? "rounded-lg px-3 py-2" : "rounded-lg bg-raised px-3 py-2"}>
          <p className="font-semibold">{each.title}</p>
          <p className="text-sm text-quiet">{retoldNotice(language, each.body)}</p>
          <p className="text-xs text-quiet">{dateTime(language, each.created_at)}</p>
        </li>
      ))}
    </ul>
  );
}
