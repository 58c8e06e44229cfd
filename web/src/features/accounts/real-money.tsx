/** Real money and paper, told apart wherever something is ordered: by a word, by a colour, and by a second press. */
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { accounts } from "@/api/queries";
import { useWords } from "@/lib/words";
import { AccountKind, Button, Note } from "@/ui/basics";
import { Dialog } from "@/ui/dialog";
import { isAtStake } from "./stake";

function useOwn(accountId: string) {
  const { data } = useQuery(accounts);
  return { all: data?.items, account: data?.items.find((each) => each.id === accountId) };
}

export function KindOf({ accountId }: { accountId: string }) {
  const { account } = useOwn(accountId);
  return account ? <AccountKind kind={account.kind} /> : null;
}

/** What a dialog that orders something says first, where it is about real money. */
export function RealMoney({ accountId }: { accountId: string }) {
  const { t } = useWords();
  const { all, account } = useOwn(accountId);
  if (!isAtStake(all, accountId)) return null;
  return (
    <div data-kind="live" className="grid gap-2 rounded-lg border-2 border-live p-3">
      <span className="flex flex-wrap items-center gap-2"><AccountKind kind="live" /> <strong>{account?.name}</strong></span>
      <Note tone="warn">{t("account.live.warning")}</Note>
    </div>
  );
}

/** Lets a paper act go on at once, and one with real money after a second press. */
export function useSecondPress(accountId: string): { ask: (says: string, act: () => void) => void; dialog: ReactNode } {
  const { t } = useWords();
  const { all } = useOwn(accountId);
  const [asked, setAsked] = useState<{ says: string; act: () => void } | null>(null);
  const dialog = (
    <Dialog open={asked !== null} onClose={() => setAsked(null)} title={t("account.live.confirm")}>
      <div className="grid gap-3">
        <RealMoney accountId={accountId} />
        <p>{asked?.says}</p>
        <div className="flex justify-end gap-2">
          <Button onClick={() => setAsked(null)}>{t("app.cancel")}</Button>
          <Button look="danger" onClick={() => { setAsked(null); asked?.act(); }}>{t("account.live.do")}</Button>
        </div>
      </div>
    </Dialog>
  );
  const ask = (says: string, act: () => void): void => {
    if (isAtStake(all, accountId)) setAsked({ says, act });
    else act();
  };
  return { ask, dialog };
}
