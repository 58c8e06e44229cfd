/** One rule over a whole market, at once; worth keeping, it is kept, and run after each close. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { useHomeMarket } from "@/features/market/home";
import { RuleField } from "@/features/strategies/rule-field";
import { day, short } from "@/lib/format";
import { useWords } from "@/lib/words";
import { Badge, Button, Card, Empty, Loading, PageTitle } from "@/ui/basics";
import { Move, Price } from "@/ui/figures";
import { Form, Input, Segments, Toggle } from "@/ui/form";
import { Table } from "@/ui/table";
import { toast, toastProblem } from "@/ui/toasts";

type Market = "KRX" | "US";
const FIRST_RULE = "rsi(14) < 30 and close > sma(200)";

export function Screener() {
  const { t } = useWords();
  const [rule, setRule] = useState(FIRST_RULE);
  const [picked, setMarket] = useState<Market | null>(null);
  const home = useHomeMarket();
  const market = picked ?? home;
  const screen = useMutation({ mutationFn: () => got(api.POST("/api/v1/market/screen", { body: { rule, universe: { market } } })) });
  return (
    <>
      <PageTitle>{t("nav.screener")}</PageTitle>
      <div className="grid gap-4 lg:grid-cols-[24rem_1fr]">
        <div className="grid content-start gap-4">
          <Card>
            <Form onSubmit={() => screen.mutate()} error={screen.error} label={t("nav.screener")}>
              <RuleField name="rule" label={t("screen.rule")} value={rule} onText={setRule} />
              <Segments label={t("screen.market")} value={market} onChange={setMarket} grow options={[["KRX", t("market.KRX")], ["US", t("market.US")]]} />
              <Button type="submit" look="main" busy={screen.isPending}>{t("screen.run")}</Button>
            </Form>
          </Card>
          <Templates onChoose={setRule} />
          <Saved rule={rule} market={market} onRun={(saved) => {
            setRule(saved.rule);
            setMarket(saved.universe.market);
          }} />
        </div>
        {screen.isPending ? <Loading /> : screen.data ? <Found answer={screen.data} market={market} /> : null}
      </div>
    </>
  );
}

function Found({ answer, market }: { answer: Schemas["ScreenAnswer"]; market: Market }) {
  const { t, language } = useWords();
  const currency = market === "KRX" ? "KRW" : "USD";
  return (
    <Card flush title={<span role="status">{t("screen.found", { evaluated: answer.evaluated, matched: answer.matched, date: day(language, answer.as_of) })}</span>} className="self-start">
      <Table label={t("nav.screener")} rows={answer.items} keyOf={(each) => each.symbol} empty={<Empty>{t("screen.none")}</Empty>} columns={[
        { key: "name", head: t("order.symbol"), cell: (each) => <Link to="/market/$symbol" params={{ symbol: each.symbol }} className="font-semibold text-accent underline">{each.name}</Link> },
        { key: "symbol", head: "", wide: true, cell: (each) => <span className="text-quiet">{each.symbol} · {each.board}</span> },
        { key: "close", head: t("market.price"), right: true, cell: (each) => <Price value={each.close} currency={currency} /> },
        { key: "change", head: t("market.change"), right: true, cell: (each) => each.change_percent !== null && <Move percent={each.change_percent} /> },
        { key: "volume", head: t("market.volume"), right: true, wide: true, cell: (each) => <span className="num">{short(language, each.volume)}</span> },
      ]} />
    </Card>
  );
}

function Templates({ onChoose }: { onChoose: (rule: string) => void }) {
  const { t, language } = useWords();
  const { data } = useQuery({ queryKey: ["screen-templates"], queryFn: () => got(api.GET("/api/v1/market/screens/templates")), staleTime: Number.POSITIVE_INFINITY });
  return (
    <Card title={t("screen.templates")}>
      <ul className="grid gap-2">
        {data?.map((each) => (
          <li key={each.key}>
            <button type="button" onClick={() => onChoose(each.rule)} className="w-full rounded-lg px-2 py-1.5 text-left hover:bg-raised">
              <strong className="block">{language === "ko" ? each.name_ko : each.name_en}</strong>
              <span className="text-sm text-quiet">{language === "ko" ? each.description_ko : each.description_en}</span>
            </button>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Saved({ rule, market, onRun }: { rule: string; market: Market; onRun: (saved: Schemas["ScreenView"]) => void }) {
  const { t } = useWords();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [scheduled, setScheduled] = useState(false);
  const { data } = useQuery({ queryKey: ["screens"], queryFn: () => got(api.GET("/api/v1/market/screens", { params: { query: { limit: 100 } } })) });
  const reread = () => queries.invalidateQueries({ queryKey: ["screens"] });
  const keep = useMutation({
    mutationFn: () => got(api.POST("/api/v1/market/screens", { body: { name: name.trim(), rule, scheduled, universe: { market } } })),
    onSuccess: () => {
      toast(t("app.saved"), "good");
      setName("");
      return reread();
    },
  });
  const drop = useMutation({ mutationFn: (id: string) => got(api.DELETE("/api/v1/market/screens/{screen_id}", { params: { path: { screen_id: id } } })), onSuccess: reread, onError: toastProblem });
  return (
    <Card title={t("screen.saved")}>
      <ul className="mb-4 grid gap-1">
        {data?.items.map((each) => (
          <li key={each.id} className="flex items-center justify-between gap-2">
            <button type="button" onClick={() => onRun(each)} className="min-w-0 flex-1 truncate rounded-lg px-2 py-1.5 text-left font-semibold hover:bg-raised">{each.name} {each.scheduled && <Badge tone="accent">⏱</Badge>}</button>
            <Button size="small" look="quiet" onClick={() => drop.mutate(each.id)} aria-label={`${t("app.delete")} ${each.name}`}>✕</Button>
          </li>
        ))}
        {data?.items.length === 0 && <li className="text-sm text-quiet">{t("screen.saved.none")}</li>}
      </ul>
      <Form onSubmit={() => keep.mutate()} error={keep.error} label={t("screen.save")}>
        <Input name="name" label={t("screen.name")} value={name} onText={setName} />
        <Toggle label={t("screen.scheduled")} on={scheduled} onChange={setScheduled} />
        <Button type="submit" busy={keep.isPending}>{t("screen.save")}</Button>
      </Form>
    </Card>
  );
}
