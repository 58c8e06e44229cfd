/** What one wants to be told, where, and when. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { dateTime, number } from "@/lib/format";
import { useWords } from "@/lib/words";
import { Badge, Button, Card, Empty, Loading, PageTitle, type Tone } from "@/ui/basics";
import { Form, Input, Select, Toggle } from "@/ui/form";
import { Table } from "@/ui/table";
import { Tabs } from "@/ui/tabs";
import { toast, toastProblem } from "@/ui/toasts";
import { Channels } from "./channels";
import { Deliveries } from "./delivery";

type Alert = Schemas["AlertShown"];
const CONDITIONS: Alert["condition"][] = ["price_above", "price_below", "change_above", "change_below", "volume_above"];
const TONE: Record<Alert["status"], Tone> = { active: "good", resting: "plain", triggered: "accent", expired: "plain" };

export function Alerts() {
  const { t } = useWords();
  return (
    <>
      <PageTitle>{t("nav.alerts")}</PageTitle>
      <Tabs label={t("nav.alerts")} tabs={[
        { key: "price", name: t("alerts.price"), body: <PriceAlerts /> },
        { key: "channels", name: t("alerts.channels"), body: <Channels /> },
        { key: "deliveries", name: t("alerts.deliveries"), body: <Deliveries /> },
      ]} />
    </>
  );
}

function PriceAlerts() {
  const { t, language, named } = useWords();
  const queries = useQueryClient();
  const { data } = useQuery({ queryKey: ["alerts"], queryFn: () => got(api.GET("/api/v1/alerts", { params: { query: { limit: 100 } } })) });
  const drop = useMutation({
    mutationFn: (id: string) => got(api.DELETE("/api/v1/alerts/{alert_id}", { params: { path: { alert_id: id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["alerts"] }),
    onError: toastProblem,
  });
  return (
    <div className="grid gap-4 lg:grid-cols-[20rem_1fr]">
      <NewAlert />
      <Card flush title={t("alerts.price")} className="self-start">
        {!data ? <Loading /> : (
          <Table label={t("alerts.price")} rows={data.items} keyOf={(each) => each.id} empty={<Empty>{t("alerts.empty")}</Empty>} columns={[
            { key: "symbol", head: t("order.symbol"), cell: (each) => <strong>{each.symbol}</strong> },
            { key: "condition", head: t("alerts.condition"), cell: (each) => <>{named("condition", each.condition)} <span className="num font-semibold">{number(language, each.value)}</span></> },
            { key: "status", head: t("order.status"), cell: (each) => <Badge tone={TONE[each.status]}>{named("alert", each.status)}</Badge> },
            { key: "at", head: t("order.time"), wide: true, cell: (each) => each.triggered_at && <span className="num text-quiet">{dateTime(language, each.triggered_at)}</span> },
            { key: "drop", head: <span className="sr-only">{t("app.delete")}</span>, right: true, cell: (each) => <Button size="small" look="quiet" onClick={() => drop.mutate(each.id)} aria-label={`${t("app.delete")} ${each.symbol}`}>✕</Button> },
          ]} />
        )}
      </Card>
    </div>
  );
}

function NewAlert() {
  const { t, named } = useWords();
  const queries = useQueryClient();
  const [symbol, setSymbol] = useState("");
  const [condition, setCondition] = useState<Alert["condition"]>("price_above");
  const [value, setValue] = useState("");
  const [repeat, setRepeat] = useState(false);
  const create = useMutation({
    mutationFn: () => got(api.POST("/api/v1/alerts", { body: { symbol: symbol.trim(), condition, value, repeat } })),
    onSuccess: () => {
      toast(t("alerts.created"), "good");
      setValue("");
      return queries.invalidateQueries({ queryKey: ["alerts"] });
    },
  });
  return (
    <Card title={t("alerts.new")} className="self-start">
      <Form onSubmit={() => create.mutate()} error={create.error} label={t("alerts.new")}>
        <Input name="symbol" label={t("backtest.symbol")} value={symbol} onText={setSymbol} placeholder="005930, AAPL" />
        <Select name="condition" label={t("alerts.condition")} value={condition} onText={(text) => setCondition(text as Alert["condition"])} options={CONDITIONS.map((each) => [each, named("condition", each)])} />
        <Input name="value" label={t("alerts.value")} inputMode="decimal" value={value} onText={setValue} />
        <Toggle label={t("alerts.repeat")} on={repeat} onChange={setRepeat} />
        <Button type="submit" look="main" busy={create.isPending}>{t("alerts.new")}</Button>
      </Form>
    </Card>
  );
}
