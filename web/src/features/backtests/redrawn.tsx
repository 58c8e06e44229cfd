/** The same trades drawn anew, many times: how much of the outcome was the order in which they came. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { useWords } from "@/lib/words";
import { Button, Card, Facts, Loading } from "@/ui/basics";
import { Form, Input } from "@/ui/form";
import { Money, Rate } from "@/ui/figures";

const whole = (text: string): number => (/^\d+$/.test(text.trim()) ? Number(text) : (text.trim() as never));

export function Redrawn({ runId, currency }: { runId: string; currency: Schemas["BacktestResult"]["assumptions"]["currency"] }) {
  const { t } = useWords();
  const [written, setWritten] = useState({ draws: "1000", seed: "0" });
  const [asked, setAsked] = useState<{ draws: string; seed: string } | null>(null);
  const drawn = useQuery({
    queryKey: ["monte-carlo", runId, asked],
    queryFn: () => got(api.GET("/api/v1/backtest/results/{run_id}/monte-carlo", { params: { path: { run_id: runId }, query: { draws: whole(asked?.draws ?? ""), seed: whole(asked?.seed ?? "") } } })),
    enabled: asked !== null,
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Card title={t("redrawn.title")}>
      <div className="grid gap-4">
        <p className="text-sm text-quiet">{t("redrawn.why")}</p>
        <Form onSubmit={() => setAsked(written)} error={drawn.error} label={t("redrawn.title")}>
          <div className="grid grid-cols-[1fr_1fr_auto] items-end gap-3">
            <Input name="draws" label={t("redrawn.draws")} inputMode="decimal" value={written.draws} onText={(draws) => setWritten({ ...written, draws })} />
            <Input name="seed" label={t("redrawn.seed")} inputMode="decimal" value={written.seed} onText={(seed) => setWritten({ ...written, seed })} />
            <Button type="submit" busy={drawn.isFetching}>{t("redrawn.draw")}</Button>
          </div>
        </Form>
        {asked && drawn.isPending && <Loading />}
        {drawn.data && <Outcome drawn={drawn.data} currency={currency} />}
      </div>
    </Card>
  );
}

function Outcome({ drawn, currency }: { drawn: Schemas["MonteCarlo"]; currency: Schemas["BacktestResult"]["assumptions"]["currency"] }) {
  const { t } = useWords();
  const { equity_final: ends, max_drawdown: falls } = drawn;
  return (
    <Facts columns={4} items={[
      [t("redrawn.loss"), <Rate key="loss" value={drawn.loss_share} signed={false} />],
      [t("redrawn.low"), <Money key="low" value={ends.low} currency={currency} />],
      [t("redrawn.middle"), <Money key="middle" value={ends.middle} currency={currency} />],
      [t("redrawn.high"), <Money key="high" value={ends.high} currency={currency} />],
      [t("redrawn.deepest"), <Rate key="deepest" value={falls.low} />],
      [t("redrawn.usual"), <Rate key="usual" value={falls.middle} />],
    ]} />
  );
}
