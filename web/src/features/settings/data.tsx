/** Taking one's data along, and leaving for good. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, got } from "@/api/client";
import { asProblem } from "@/api/problem";
import { profile } from "@/api/queries";
import { forget } from "@/api/session";
import { save } from "@/lib/download";
import { useWords } from "@/lib/words";
import { Button, Card } from "@/ui/basics";
import { Dialog } from "@/ui/dialog";
import { Form, Input } from "@/ui/form";
import { toastProblem } from "@/ui/toasts";

export function DataPart() {
  return (
    <div className="grid gap-4 lg:grid-cols-2">
      <Export />
      <Erase />
    </div>
  );
}

function Export() {
  const { t } = useWords();
  const queries = useQueryClient();
  const { data } = useQuery({
    queryKey: ["export"],
    // None was asked for yet: that is an answer, not a failure.
    queryFn: () => got(api.GET("/api/v1/users/export")).catch((error: unknown) => (asProblem(error).status === 404 ? null : Promise.reject(error))),
    refetchInterval: (query) => (query.state.data && !query.state.data.ready ? 2000 : false),
  });
  const ask = useMutation({ mutationFn: () => got(api.POST("/api/v1/users/export")), onSuccess: () => queries.invalidateQueries({ queryKey: ["export"] }), onError: toastProblem });
  const download = (): void => void got(api.GET("/api/v1/users/export/archive", { parseAs: "blob" })).then((blob) => save(blob as unknown as Blob, "exodus-export.zip"), toastProblem);
  return (
    <Card title={t("settings.export")} className="self-start">
      <p className="mb-4 text-sm text-quiet">{t("settings.export.hint")}</p>
      {data && <p className="mb-3">{t("settings.export.progress", { done: data.done, total: data.total })}</p>}
      <div className="flex gap-2">
        {data?.ready && <Button look="main" onClick={download}>{t("app.download")}</Button>}
        <Button busy={ask.isPending} disabled={Boolean(data && !data.ready)} onClick={() => ask.mutate()}>{t("settings.export.ask")}</Button>
      </div>
    </Card>
  );
}

function Erase() {
  const { t } = useWords();
  const who = useQuery(profile);
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState("");
  const erase = useMutation({ mutationFn: () => got(api.DELETE("/api/v1/users/me")), onSuccess: forget });
  const sure = typed.trim() !== "" && typed.trim() === who.data?.email;
  return (
    <Card title={t("settings.erase")} className="self-start border-bad/40">
      <p className="mb-4 text-sm text-quiet">{t("settings.erase.hint")}</p>
      <Button onClick={() => setOpen(true)}>{t("settings.erase")}</Button>
      <Dialog open={open} onClose={() => setOpen(false)} title={t("settings.erase")}>
        <Form onSubmit={() => sure && erase.mutate()} error={erase.error}>
          <p>{t("settings.erase.hint")}</p>
          <Input name="email" label={t("settings.erase.type")} value={typed} onText={setTyped} autoComplete="off" />
          <Button type="submit" look="danger" disabled={!sure} busy={erase.isPending}>{t("settings.erase.do")}</Button>
        </Form>
      </Dialog>
    </Card>
  );
}
