/** What somebody without an account sees: the one thing to do first. */
import { useWords } from "@/lib/words";
import { Card, PageTitle } from "@/ui/basics";
import { OpenAccount } from "./open-account";

export function FirstAccount() {
  const { t } = useWords();
  return (
    <div className="mx-auto max-w-md pt-6">
      <PageTitle>{t("account.open.first")}</PageTitle>
      <Card>
        <p className="mb-4 text-quiet">{t("account.open.why")}</p>
        <OpenAccount />
      </Card>
    </div>
  );
}
