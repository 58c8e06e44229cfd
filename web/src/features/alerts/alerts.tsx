/** What one wants to be told, where, and when. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, got, type Schemas } from "@/api/client";
import { dateTime, number } from "@/lib/format";
import { sayOr, useWords } from "@/lib/words";
import { Badge, Button, Card, Empty, Loading, PageTitle, type Tone } from "@/ui/basics";
import { Table } from "@/ui/table";
import { Tabs } from "@/ui/tabs";
import { toastProblem } from "@/ui/toasts";
import { Channels } from "./channels";
import { Deliveries } from "./delivery";
import { NewAlert } from "./new-alert";

type Alert = Schemas["AlertShown"];
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
            { key: "condition", head: t("alerts.condition"), cell: (each) => <Waited alert={each} /> },
            { key: "status", head: t("order.status"), cell: (each) => <Badge tone={TONE[each.status]}>{named("alert", each.status)}</Badge> },
            { key: "at", head: t("order.time"), wide: true, cell: (each) => each.triggered_at && <span className="num text-quiet">{dateTime(language, each.triggered_at)}</span> },
            { key: "drop", head: <span className="sr-only">{t("app.delete")}</span>, right: true, cell: (each) => <Button size="small" look="quiet" onClick={() => drop.mutate(each.id)} aria-label={`${t("app.delete")} ${each.symbol}`}>✕</Button> },
          ]} />
        )}
      </Card>
    </div>
  );
}

function Waited({ alert }: { alert: Alert }) {
  const { t, language } = useWords();
  if (alert.interval) return <>{t(`auto.interval.${alert.interval}`)} <code className="font-semibold break-words">{alert.rule}</code></>;
  const key = `alert.when.${alert.condition}`;
  return <>{sayOr(language, key, alert.condition, { value: number(language, alert.value ?? "") })}</>;
}
