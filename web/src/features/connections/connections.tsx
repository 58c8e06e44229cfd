/** Brokers one trades through, what each can do, and their keys, which go in and never come out. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { profile } from "@/api/queries";
import { liveOffer } from "@/features/accounts/stake";
import { dateTime } from "@/lib/format";
import type { Language } from "@/lib/preferences";
import { sayOr, useWords, type Word } from "@/lib/words";
import { Badge, Button, Card, Empty, Loading, Note, PageTitle } from "@/ui/basics";
import { Form, Input, Segments, Select } from "@/ui/form";
import { Table } from "@/ui/table";
import { toast, toastProblem } from "@/ui/toasts";
import { Doubts } from "./doubts";

type ConnectionIn = Schemas["KisConnectionIn"] | Schemas["KisUsConnectionIn"] | Schemas["LsConnectionIn"] | Schemas["KiwoomConnectionIn"] | Schemas["AlpacaConnectionIn"];
type Broker = ConnectionIn["broker"];
type Credential = "app_key" | "app_secret" | "secret_key" | "key_id" | "account" | "hts_id";

const ASKS: Record<Broker, readonly Credential[]> = {
  kis: ["app_key", "app_secret", "account", "hts_id"],
  kis_us: ["app_key", "app_secret", "account", "hts_id"],
  ls: ["app_key", "app_secret"],
  kiwoom: ["app_key", "secret_key"],
  alpaca: ["key_id", "secret_key"],
};
const PLAIN: readonly Credential[] = ["account", "hts_id"];

/** A broker's name in the person's language, or as the installation has it. */
const titleOf = (language: Language, { broker, title }: Schemas["BrokerOut"]): string => sayOr(language, `broker.${broker}`, title);

export function Connections() {
  const { t, language, named } = useWords();
  const { data } = useQuery({ queryKey: ["brokers"], queryFn: () => got(api.GET("/api/v1/broker/brokers")) });
  return (
    <>
      <PageTitle>{t("nav.connections")}</PageTitle>
      <Doubts />
      <div className="grid gap-4 lg:grid-cols-[22rem_1fr]">
        <NewConnection brokers={data?.items ?? []} />
        <div className="grid content-start gap-4">
          <Connected />
          <Card title={t("connections.can")} flush>
            <Table label={t("connections.can")} rows={data?.items ?? []} keyOf={(each) => `${each.broker} ${each.environment}`} columns={[
              { key: "title", head: t("connections.broker"), cell: (each) => <strong>{titleOf(language, each)}</strong> },
              { key: "environment", head: t("connections.environment"), wide: true, cell: (each) => t(each.environment === "real" ? "connections.real" : "connections.paper") },
              { key: "venues", head: t("screen.market"), cell: (each) => each.venues.join(", ") },
              { key: "kinds", head: t("connections.accounts"), wide: true, cell: (each) => each.account_kinds.map((kind) => named("account", kind)).join(", ") },
              { key: "types", head: t("order.type"), wide: true, cell: (each) => <OrderTypes types={each.order_types} /> },
              { key: "replace", head: t("order.replace"), cell: (each) => (each.replaces === "none" ? t("app.no") : t("app.yes")) },
            ]} />
          </Card>
        </div>
      </div>
    </>
  );
}

function OrderTypes({ types }: { types: readonly string[] }) {
  const { named } = useWords();
  return <>{types.map((each) => named("type", each)).join(", ")}</>;
}

function NewConnection({ brokers }: { brokers: readonly Schemas["BrokerOut"][] }) {
  const { t, language } = useWords();
  const queries = useQueryClient();
  const known = brokers.filter((each): each is Schemas["BrokerOut"] & { broker: Broker } => each.broker in ASKS);
  const [broker, setBroker] = useState<Broker>("kis");
  const [environment, setEnvironment] = useState<"paper" | "real">("paper");
  const [name, setName] = useState("");
  const offer = liveOffer(useQuery(profile).data?.permissions.real ?? false, brokers.filter((each) => each.broker === broker));
  const [credentials, setCredentials] = useState<Partial<Record<Credential, string>>>({});
  const add = useMutation({
    mutationFn: () => {
      const given = Object.fromEntries(ASKS[broker].flatMap((each) => (credentials[each] ? [[each, credentials[each].trim()]] : [])));
      return got(api.POST("/api/v1/broker/connections", { body: { broker, environment, name: name.trim() || broker, credentials: given } as ConnectionIn }));
    },
    onSuccess: () => {
      // Out of this page's memory as soon as they are no longer needed here.
      setCredentials({});
      toast(t("connections.added"), "good");
      return queries.invalidateQueries({ queryKey: ["connections"] });
    },
  });
  return (
    <Card title={t("connections.new")} className="self-start">
      <Form onSubmit={() => add.mutate()} error={add.error} label={t("connections.new")}>
        <Select name="broker" label={t("connections.broker")} value={broker} onText={(text) => { setBroker(text as Broker); setEnvironment("paper"); }} options={known.filter((each) => each.environment === "paper").map((each) => [each.broker, titleOf(language, each)])} />
        {offer === "open" && <Segments label={t("connections.environment")} grow value={environment} onChange={setEnvironment} options={[["paper", t("connections.paper")], ["real", t("connections.real")]]} />}
        {environment === "real" && <Note tone="warn">{t("account.live.warning")}</Note>}
        <Input name="name" label={t("app.name")} value={name} onText={setName} />
        {ASKS[broker].map((each) => (
          <Input key={each} name={each} label={t(`credential.${each}` as Word)} type={PLAIN.includes(each) ? "text" : "password"} autoComplete="off" value={credentials[each] ?? ""} onText={(text) => setCredentials((before) => ({ ...before, [each]: text }))} />
        ))}
        <p className="text-xs text-quiet">{t("connections.secret")}</p>
        <Button type="submit" look="main" busy={add.isPending}>{t("connections.new")}</Button>
      </Form>
    </Card>
  );
}

function Connected() {
  const { t, language, named } = useWords();
  const queries = useQueryClient();
  const { data } = useQuery({ queryKey: ["connections"], queryFn: () => got(api.GET("/api/v1/broker/connections")) });
  const test = useMutation({
    mutationFn: (id: string) => got(api.POST("/api/v1/broker/connections/{connection_id}/test", { params: { path: { connection_id: id } } })),
    onSuccess: () => toast(t("connections.works"), "good"),
    onError: toastProblem,
  });
  const drop = useMutation({
    mutationFn: (id: string) => got(api.DELETE("/api/v1/broker/connections/{connection_id}", { params: { path: { connection_id: id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["connections"] }),
    onError: toastProblem,
  });
  if (!data) return <Loading />;
  if (data.items.length === 0) return <Card><Empty>{t("connections.empty")}</Empty></Card>;
  return (
    <>
      {data.items.map((each) => (
        <Card key={each.id} title={<span className="flex flex-wrap items-center gap-2">{each.name} <Badge>{named("broker", each.broker)}</Badge> <Badge tone={each.environment === "real" ? "bad" : "accent"}>{t(each.environment === "real" ? "connections.real" : "connections.paper")}</Badge></span>}
          actions={<><Button size="small" busy={test.isPending} onClick={() => test.mutate(each.id)}>{t("connections.test")}</Button><Button size="small" look="quiet" onClick={() => drop.mutate(each.id)} aria-label={`${t("app.delete")} ${each.name}`}>✕</Button></>}>
          <p className="text-sm text-quiet">{each.account_hint} · {dateTime(language, each.created_at)}</p>
        </Card>
      ))}
    </>
  );
}
