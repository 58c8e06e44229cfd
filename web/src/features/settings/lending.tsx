/** Letting another person look at one's accounts, and taking it back. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, got } from "@/api/client";
import { dateTime } from "@/lib/format";
import { useWords } from "@/lib/words";
import { Button, Card } from "@/ui/basics";
import { Form, Input } from "@/ui/form";
import { toastProblem } from "@/ui/toasts";

export function Lending() {
  const { t, language } = useWords();
  const queries = useQueryClient();
  const [email, setEmail] = useState("");
  const { data } = useQuery({ queryKey: ["delegations"], queryFn: () => got(api.GET("/api/v1/users/delegations")) });
  const reread = () => queries.invalidateQueries({ queryKey: ["delegations"] });
  const lend = useMutation({
    mutationFn: () => got(api.POST("/api/v1/users/delegations", { body: { email: email.trim() } })),
    onSuccess: () => {
      setEmail("");
      return reread();
    },
  });
  const drop = useMutation({ mutationFn: (id: string) => got(api.DELETE("/api/v1/users/delegations/{delegation_id}", { params: { path: { delegation_id: id } } })), onSuccess: reread, onError: toastProblem });
  return (
    <Card title={t("settings.lending")} className="max-w-xl">
      <p className="mb-4 text-sm text-quiet">{t("settings.lending.hint")}</p>
      <ul className="mb-4 grid gap-2">
        {data?.items.map((each) => (
          <li key={each.id} className="flex items-center justify-between gap-2">
            <span><strong>{each.email}</strong> <span className="text-sm text-quiet">{dateTime(language, each.created_at)}</span></span>
            <Button size="small" look="quiet" onClick={() => drop.mutate(each.id)} aria-label={`${t("app.delete")} ${each.email}`}>✕</Button>
          </li>
        ))}
        {data?.items.length === 0 && <li className="text-sm text-quiet">{t("settings.lending.none")}</li>}
      </ul>
      <Form onSubmit={() => lend.mutate()} error={lend.error}>
        <Input name="email" label={t("auth.email")} type="email" value={email} onText={setEmail} />
        <Button type="submit" look="main" className="w-fit" busy={lend.isPending}>{t("settings.lending.add")}</Button>
      </Form>
    </Card>
  );
}
