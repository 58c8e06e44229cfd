/** The account's cash in detail, and what can be done with a paper one: put money in, begin anew. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, got, onceOnly } from "@/api/client";
import type { Account } from "@/features/accounts/current";
import { useWords } from "@/lib/words";
import { Button, Card, Facts } from "@/ui/basics";
import { Dialog } from "@/ui/dialog";
import { Money } from "@/ui/figures";
import { Form, Input, Select } from "@/ui/form";
import { toast } from "@/ui/toasts";

export function AccountPart({ account }: { account: Account }) {
  const { t } = useWords();
  const { data } = useQuery({ queryKey: ["balance", account.id], queryFn: () => got(api.GET("/api/v1/trading/accounts/{account_id}/balance", { params: { path: { account_id: account.id } } })) });
  return (
    <>
      {data?.items.map((each) => (
        <Card key={each.currency} title={`${t("portfolio.cash")} · ${each.currency}`}>
          <Facts columns={4} items={[
            [t("dash.cash"), <Money key="available" value={each.available} currency={each.currency} />],
            [t("portfolio.held"), <Money key="held" value={each.held} currency={each.currency} />],
            [t("portfolio.settled"), <Money key="settled" value={each.settled} currency={each.currency} />],
            [t("portfolio.withdrawable"), <Money key="withdrawable" value={each.withdrawable} currency={each.currency} />],
            [t("portfolio.unsettledIn"), <Money key="in" value={each.unsettled_in} currency={each.currency} />],
            [t("portfolio.unsettledOut"), <Money key="out" value={each.unsettled_out} currency={each.currency} />],
          ]} />
        </Card>
      ))}
      {account.kind === "paper" && account.broker === "simulator" && (
        <div className="grid gap-4 md:grid-cols-2">
          <Deposit account={account} />
          <Reset account={account} />
        </div>
      )}
    </>
  );
}

function Deposit({ account }: { account: Account }) {
  const { t } = useWords();
  const queries = useQueryClient();
  const [currency, setCurrency] = useState(account.currency);
  const [amount, setAmount] = useState("");
  const deposit = useMutation({
    mutationFn: () => got(api.POST("/api/v1/trading/accounts/{account_id}/deposits", { params: { path: { account_id: account.id } }, headers: onceOnly(), body: { currency, amount } })),
    onSuccess: () => {
      toast(t("account.deposited"), "good");
      setAmount("");
      return queries.invalidateQueries();
    },
  });
  return (
    <Card title={t("account.deposit")}>
      <Form onSubmit={() => deposit.mutate()} error={deposit.error} label={t("account.deposit")}>
        <Select name="currency" label={t("account.currency")} value={currency} onText={(text) => setCurrency(text as typeof currency)} options={[["KRW", t("account.KRW")], ["USD", t("account.USD")]]} />
        <Input name="amount" label={t("account.amount")} inputMode="decimal" value={amount} onText={setAmount} />
        <Button type="submit" look="main" busy={deposit.isPending}>{t("account.deposit")}</Button>
      </Form>
    </Card>
  );
}

function Reset({ account }: { account: Account }) {
  const { t } = useWords();
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const [cash, setCash] = useState("10000000");
  const reset = useMutation({
    mutationFn: () => got(api.POST("/api/v1/trading/accounts/{account_id}/reset", { params: { path: { account_id: account.id } }, headers: onceOnly(), body: { initial_cash: cash } })),
    onSuccess: () => {
      toast(t("portfolio.reset.done"), "good");
      setAsking(false);
      return queries.invalidateQueries();
    },
  });
  return (
    <Card title={t("portfolio.reset")}>
      <p className="mb-3 text-sm text-quiet">{t("portfolio.reset.confirm")}</p>
      <Button onClick={() => setAsking(true)}>{t("portfolio.reset")}</Button>
      <Dialog open={asking} onClose={() => setAsking(false)} title={t("portfolio.reset")}>
        <Form onSubmit={() => reset.mutate()} error={reset.error}>
          <p>{t("portfolio.reset.confirm")}</p>
          <Input name="initial_cash" label={t("account.cash")} inputMode="decimal" value={cash} onText={setCash} />
          <Button type="submit" look="danger" busy={reset.isPending}>{t("portfolio.reset")}</Button>
        </Form>
      </Dialog>
    </Card>
  );
}
