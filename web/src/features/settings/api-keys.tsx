/** Keys for one's own programs: what each may do, from where, and until when. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { dateTime } from "@/lib/format";
import { useWords } from "@/lib/words";
import { Badge, Button, Card, Empty, Note } from "@/ui/basics";
import { Form, Input, Toggle } from "@/ui/form";
import { toastProblem } from "@/ui/toasts";

type Scope = Schemas["ApiKeyWish"]["scopes"][number];
const SCOPES: Scope[] = ["read", "trade", "write"];

export function ApiKeys() {
  const { t, language, named } = useWords();
  const queries = useQueryClient();
  const { data } = useQuery({ queryKey: ["api-keys"], queryFn: () => got(api.GET("/api/v1/users/api-keys")) });
  const drop = useMutation({
    mutationFn: (id: string) => got(api.DELETE("/api/v1/users/api-keys/{key_id}", { params: { path: { key_id: id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["api-keys"] }),
    onError: toastProblem,
  });
  return (
    <div className="grid gap-4 lg:grid-cols-2">
      <NewKey />
      <Card title={t("settings.keys")} className="self-start">
        {data?.items.length === 0 && <Empty>{t("settings.keys.empty")}</Empty>}
        <ul className="grid gap-4">
          {data?.items.map((each) => (
            <li key={each.id} className="flex items-start justify-between gap-3">
              <div>
                <p className="flex flex-wrap items-center gap-1.5 font-semibold">{each.name} {each.scopes.map((scope) => <Badge key={scope} tone={scope === "trade" ? "warn" : "plain"}>{named("scope", scope)}</Badge>)}</p>
                <p className="text-sm text-quiet">{t("settings.keys.until", { at: dateTime(language, each.expires_at) })} {each.networks.join(", ")}</p>
              </div>
              <Button size="small" look="quiet" onClick={() => drop.mutate(each.id)} aria-label={`${t("app.delete")} ${each.name}`}>✕</Button>
            </li>
          ))}
        </ul>
      </Card>
    </div>
  );
}

function NewKey() {
  const { t, named } = useWords();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [days, setDays] = useState("90");
  const [networks, setNetworks] = useState("");
  const [scopes, setScopes] = useState<readonly Scope[]>(["read"]);
  const create = useMutation({
    mutationFn: () =>
      got(api.POST("/api/v1/users/api-keys", { body: { name: name.trim(), scopes: [...scopes], expires_in_days: Number(days), networks: networks.split(",").map((each) => each.trim()).filter(Boolean) } })),
    onSuccess: () => {
      setName("");
      return queries.invalidateQueries({ queryKey: ["api-keys"] });
    },
  });
  return (
    <Card title={t("settings.keys.new")} className="self-start">
      <Form onSubmit={() => create.mutate()} error={create.error} label={t("settings.keys.new")}>
        <Input name="name" label={t("app.name")} value={name} onText={setName} />
        <div role="group" aria-label={t("settings.scopes")}>
          {SCOPES.map((each) => <Toggle key={each} label={named("scope", each)} on={scopes.includes(each)} onChange={(on) => setScopes(on ? [...scopes, each] : scopes.filter((other) => other !== each))} />)}
        </div>
        <Input name="expires_in_days" label={t("settings.keys.days")} inputMode="decimal" value={days} onText={setDays} />
        <Input name="networks" label={t("settings.keys.networks")} value={networks} onText={setNetworks} placeholder="192.0.2.0/24" />
        <Button type="submit" look="main" className="w-fit" busy={create.isPending}>{t("settings.keys.new")}</Button>
      </Form>
      {create.data && (
        <div className="mt-4"><Note tone="warn" role="status"><strong className="block">{t("settings.keys.secret")}</strong><code className="block break-all">{create.data.id}</code><code className="block break-all">{create.data.secret}</code></Note></div>
      )}
    </Card>
  );
}
