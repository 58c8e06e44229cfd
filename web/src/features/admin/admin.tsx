/** The operator's page: people and what they may do, what was done by whom, and how the services are. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, got } from "@/api/client";
import { useSession } from "@/api/session";
import { dateTime } from "@/lib/format";
import { useWords } from "@/lib/words";
import { Badge, Button, Card, Empty, Loading, PageTitle } from "@/ui/basics";
import { Input } from "@/ui/form";
import { Table } from "@/ui/table";
import { Tabs } from "@/ui/tabs";
import { ManageUser, type User } from "./manage-user";
import { Proposals } from "./proposals";

export function Admin() {
  const { t } = useWords();
  const { role } = useSession();
  if (role !== "admin") return <Empty>{t("problem.forbidden")}</Empty>;
  return (
    <>
      <PageTitle>{t("nav.admin")}</PageTitle>
      <Tabs label={t("nav.admin")} tabs={[
        { key: "users", name: t("admin.users"), body: <Users /> },
        { key: "audit", name: t("admin.audit"), body: <Audit /> },
        { key: "pipelines", name: t("admin.pipelines"), body: <Pipelines /> },
        { key: "health", name: t("admin.health"), body: <Health /> },
      ]} />
    </>
  );
}

function Users() {
  const { t, language, named } = useWords();
  const [text, setText] = useState("");
  const [managed, setManaged] = useState<User | null>(null);
  const { data } = useQuery({ queryKey: ["users", text], queryFn: () => got(api.GET("/api/v1/admin/users", { params: { query: { query: text.trim() || undefined, limit: 100 } } })) });
  return (
    <>
      <Proposals users={data?.items ?? []} />
      <Input name="query" label={t("admin.search")} type="search" value={text} onText={setText} className="max-w-md" />
      <Card flush>
        {!data ? <Loading /> : (
          <Table label={t("admin.users")} rows={data.items} keyOf={(user) => user.id} columns={[
            { key: "name", head: t("auth.name"), cell: (user) => <><strong>{user.name}</strong><span className="block text-sm text-quiet">{user.email}</span></> },
            { key: "role", head: t("admin.role"), cell: (user) => <span className="flex gap-1.5"><Badge>{named("role", user.role)}</Badge>{user.locked && <Badge tone="bad">{t("admin.locked")}</Badge>}{user.permissions.real && <Badge tone="warn">{t("account.live")}</Badge>}</span> },
            { key: "since", head: t("portfolio.date"), wide: true, cell: (user) => <span className="num text-quiet">{dateTime(language, user.created_at)}</span> },
            { key: "manage", head: "", right: true, cell: (user) => <Button size="small" onClick={() => setManaged(user)} aria-label={`${t("admin.manage")} ${user.email}`}>{t("admin.manage")}</Button> },
          ]} />
        )}
      </Card>
      <ManageUser user={managed} onClose={() => setManaged(null)} />
    </>
  );
}

function Audit() {
  const { t, language, named } = useWords();
  const audit = useInfiniteQuery({
    queryKey: ["audit"],
    queryFn: ({ pageParam }) => got(api.GET("/api/v1/admin/audit", { params: { query: { limit: 100, cursor: pageParam ?? undefined } } })),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  if (audit.isPending) return <Loading />;
  return (
    <Card flush>
      <p className="px-4 pt-3 text-sm text-quiet">{t("admin.audit.hash")}</p>
      <Table label={t("admin.audit")} rows={audit.data?.pages.flatMap((page) => page.items) ?? []} keyOf={(each) => String(each.position)} columns={[
        { key: "position", head: "#", cell: (each) => <span className="num text-quiet">{each.position}</span> },
        { key: "time", head: t("order.time"), cell: (each) => <span className="num text-quiet">{dateTime(language, each.occurred_at)}</span> },
        { key: "action", head: t("admin.audit.action"), cell: (each) => <span title={each.action}>{named("audit", each.action)}</span> },
        { key: "actor", head: t("admin.audit.actor"), wide: true, cell: (each) => <code className="text-xs">{each.actor.slice(0, 13)}</code> },
        { key: "subject", head: t("admin.audit.subject"), wide: true, cell: (each) => <code className="text-xs">{each.subject.slice(0, 13)}</code> },
      ]} />
      {audit.hasNextPage && <div className="p-3 text-center"><Button busy={audit.isFetchingNextPage} onClick={() => void audit.fetchNextPage()}>{t("app.more")}</Button></div>}
    </Card>
  );
}

function Pipelines() {
  const { t, language, named } = useWords();
  const { data } = useQuery({ queryKey: ["pipelines"], queryFn: () => got(api.GET("/api/v1/market/pipelines", { params: { query: { limit: 100 } } })) });
  if (!data) return <Loading />;
  return (
    <Card flush>
      <Table label={t("admin.pipelines")} rows={data.items} keyOf={(run) => run.id} empty={<Empty>{t("admin.pipelines.empty")}</Empty>} columns={[
        { key: "day", head: t("portfolio.date"), cell: (run) => <span className="num">{run.day} · {run.market}</span> },
        { key: "pipeline", head: t("admin.pipeline"), cell: (run) => named("pipeline", run.pipeline) },
        { key: "status", head: t("order.status"), cell: (run) => <Badge tone={run.status === "finished" ? "good" : run.status === "failed" ? "bad" : "accent"}>{named("run", run.status)}</Badge> },
        { key: "attempts", head: t("admin.attempts"), right: true, cell: (run) => run.attempts },
        { key: "at", head: t("order.time"), wide: true, cell: (run) => run.finished_at && <span className="num text-quiet">{dateTime(language, run.finished_at)}</span> },
      ]} />
    </Card>
  );
}

function Health() {
  const { t } = useWords();
  const { data } = useQuery({
    queryKey: ["health"],
    queryFn: async () => {
      const answer = await fetch("/health");
      return (await answer.json()) as { status: string; services: Record<string, string> };
    },
    refetchInterval: 5000,
  });
  if (!data) return <Loading />;
  return (
    <div className="grid grid-cols-2 gap-4 md:grid-cols-3">
      {Object.entries(data.services).map(([service, status]) => (
        <Card key={service} title={service}><Badge tone={status === "ok" ? "good" : "bad"}>{t(status === "ok" ? "admin.ready" : "admin.notReady")}</Badge></Card>
      ))}
    </div>
  );
}
