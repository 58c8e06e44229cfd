/** Taking over a strategy that was written in the builder of Korea Investment & Securities; a mistake is shown where it stands. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, got } from "@/api/client";
import { useWords } from "@/lib/words";
import { Button } from "@/ui/basics";
import { Dialog } from "@/ui/dialog";
import { Area, Form, Input } from "@/ui/form";
import { columnIn, mistakeIn } from "./file-mistake";
import { Marked } from "./marked";

export function ImportStrategy() {
  const { t } = useWords();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setOpen(true)}>{t("strategy.import")}</Button>
      <Dialog open={open} onClose={() => setOpen(false)} title={t("strategy.import.title")}><FileForm /></Dialog>
    </>
  );
}

function FileForm() {
  const { t } = useWords();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [text, setText] = useState("");
  const take = useMutation({
    mutationFn: () => got(api.POST("/api/v1/backtest/strategies/import", { body: { kis_yaml: text } })),
    onSuccess: async (made) => {
      await queries.invalidateQueries({ queryKey: ["strategies"] });
      return navigate({ to: "/strategies/$strategyId", params: { strategyId: made.id } });
    },
  });
  const write = (written: string): void => {
    take.reset();
    setText(written);
  };
  const mistake = mistakeIn(take.error);
  return (
    <Form onSubmit={() => take.mutate()} error={mistake ? null : take.error} label={t("strategy.import.title")}>
      <Input name="file" type="file" accept=".yaml,.yml" label={t("strategy.import.file")} hint={t("strategy.import.hint")} onInput={(event) => void event.currentTarget.files?.[0]?.text().then(write)} />
      <Area name="kis_yaml" label={t("strategy.import.text")} rows={14} spellCheck={false} autoCapitalize="off" value={text} onText={write}
        problem={mistake && t("strategy.import.at", { line: mistake.line, column: mistake.column, error: mistake.message })}
        behind={mistake ? <Marked text={text} column={columnIn(text, mistake)} /> : undefined} />
      <Button type="submit" look="main" disabled={!text} busy={take.isPending}>{t("strategy.import")}</Button>
    </Form>
  );
}
