/** The way to stop all trading, on every page; once stopped it says so, on every page. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, got } from "@/api/client";
import { halts } from "@/api/queries";
import { useWords } from "@/lib/words";
import { Button } from "@/ui/basics";
import { Dialog } from "@/ui/dialog";
import { Form, Input, Segments } from "@/ui/form";
import { toast } from "@/ui/toasts";

export function KillSwitch() {
  const { t } = useWords();
  const [open, setOpen] = useState(false);
  const [mode, setMode] = useState<"halted" | "reduce_only">("halted");
  const [reason, setReason] = useState("");
  const queries = useQueryClient();
  const { data } = useQuery(halts);
  const stop = useMutation({
    mutationFn: () => got(api.POST("/api/v1/trading/halt", { body: { level: "user", mode, reason: reason.trim() || null } })),
    onSuccess: ({ withdrawn }) => {
      setOpen(false);
      toast(t("kill.done", { count: String(withdrawn) }), "good");
      return queries.invalidateQueries();
    },
  });
  if (data?.items.length) {
    return (
      <Link to="/risk" className="inline-flex min-h-9 items-center rounded-lg bg-bad px-3 text-sm font-bold whitespace-nowrap text-on-move">■ {t("kill.on")}</Link>
    );
  }
  return (
    <>
      <Button size="small" onClick={() => setOpen(true)} className="border-bad/60 text-bad whitespace-nowrap">
        <span aria-hidden="true">■</span> <span className="sr-only sm:not-sr-only">{t("kill.button")}</span>
      </Button>
      <Dialog open={open} onClose={() => setOpen(false)} title={t("kill.title")}>
        <p className="mb-4 text-quiet">{t("kill.body")}</p>
        <Form onSubmit={() => stop.mutate()} error={stop.error}>
          <Segments label={t("kill.mode")} value={mode} options={[["halted", t("kill.mode.halted")], ["reduce_only", t("kill.mode.reduce_only")]]} onChange={setMode} grow />
          <p className="text-sm text-quiet">{t(mode === "halted" ? "kill.halted" : "kill.reduce")}</p>
          <Input name="reason" label={<>{t("kill.reason")} {t("app.optional")}</>} value={reason} onText={setReason} maxLength={200} />
          <Button type="submit" look="danger" size="large" busy={stop.isPending}>{t("kill.do")}</Button>
        </Form>
      </Dialog>
    </>
  );
}
