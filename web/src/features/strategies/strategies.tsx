/** One's strategies, and the templates to begin from. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { api, got } from "@/api/client";
import { strategies } from "@/api/queries";
import { dateTime } from "@/lib/format";
import { useWords } from "@/lib/words";
import { Badge, Button, Card, Empty, Loading, PageTitle } from "@/ui/basics";
import { toastProblem } from "@/ui/toasts";
import { documentOf, formOf } from "./document";
import { ImportStrategy } from "./import-strategy";

export function Strategies() {
  const { t, language } = useWords();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { data } = useQuery(strategies);
  const templates = useQuery({ queryKey: ["strategy-templates"], queryFn: () => got(api.GET("/api/v1/backtest/strategies/templates")), staleTime: Number.POSITIVE_INFINITY });
  const begin = useMutation({
    mutationFn: (template: Parameters<typeof formOf>[0]) => got(api.POST("/api/v1/backtest/strategies", { body: documentOf(formOf(template)) })),
    onSuccess: async (made) => {
      await queries.invalidateQueries({ queryKey: ["strategies"] });
      return navigate({ to: "/strategies/$strategyId", params: { strategyId: made.id } });
    },
    onError: toastProblem,
  });
  return (
    <>
      <PageTitle actions={<><ImportStrategy /><Button asChild look="main"><Link to="/strategies/$strategyId" params={{ strategyId: "new" }}>{t("strategy.new")}</Link></Button></>}>{t("nav.strategies")}</PageTitle>
      <div className="grid gap-4 lg:grid-cols-[1fr_20rem]">
        {!data ? <Loading /> : data.items.length === 0 ? <Card><Empty>{t("strategy.empty")}</Empty></Card> : (
          <ul className="grid content-start gap-3">
            {data.items.map((each) => (
              <li key={each.id}>
                <Link to="/strategies/$strategyId" params={{ strategyId: each.id }} className="grid gap-2 rounded-xl border border-line bg-panel p-4 hover:border-accent">
                  <span className="flex flex-wrap items-center justify-between gap-2">
                    <strong className="text-lg">{each.name}</strong>
                    {each.portfolio && <Badge tone="accent">{t("many.many")}</Badge>}
                    <Badge tone={each.version ? "good" : "plain"}>{each.version ? t("strategy.version", { version: each.version }) : t("strategy.draft")}</Badge>
                  </span>
                  <code className="text-sm text-quiet">{each.entry}</code>
                  <span className="text-xs text-quiet">{t("strategy.changed", { at: dateTime(language, each.changed_at) })}</span>
                </Link>
              </li>
            ))}
          </ul>
        )}
        <Card title={t("strategy.templates")} className="self-start">
          <ul className="grid gap-3">
            {templates.data?.map((each) => (
              <li key={each.key} className="grid gap-1">
                <span className="flex flex-wrap items-center gap-2"><strong>{language === "ko" ? each.name_ko : each.name}</strong>{each.portfolio && <Badge tone="accent">{t("many.many")}</Badge>}</span>
                <code className="text-xs text-quiet">{each.entry}</code>
                <Button size="small" className="w-fit" busy={begin.isPending} onClick={() => begin.mutate({ ...each, name: language === "ko" ? each.name_ko : each.name })} aria-label={`${t("app.add")}: ${language === "ko" ? each.name_ko : each.name}`}>{t("app.add")}</Button>
              </li>
            ))}
          </ul>
        </Card>
      </div>
    </>
  );
}
