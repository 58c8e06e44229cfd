/** How the money is spread, largest part first. */
import { useQuery } from "@tanstack/react-query";
import { api, got } from "@/api/client";
import { useWords } from "@/lib/words";
import { Card, Loading } from "@/ui/basics";
import { Money, Rate } from "@/ui/figures";

export function Allocation({ accountId }: { accountId: string }) {
  const { t } = useWords();
  const { data } = useQuery({ queryKey: ["allocation", accountId], queryFn: () => got(api.GET("/api/v1/portfolio/allocation", { params: { query: { account_id: accountId } } })) });
  if (!data) return <Loading />;
  return (
    <>
      {data.items.map((each) => (
        <Card key={each.currency} title={<>{each.currency} · <Money value={each.total} currency={each.currency} /></>}>
          <ul className="grid gap-3">
            {[...each.parts].sort((a, b) => (b.weight ?? 0) - (a.weight ?? 0)).map((part) => (
              <li key={part.symbol ?? "cash"}>
                <div className="flex justify-between gap-3 text-sm">
                  <span className="font-semibold">{part.symbol ?? t("portfolio.cash")}</span>
                  <span><Money value={part.value} currency={each.currency} /> · <Rate value={part.weight} signed={false} /></span>
                </div>
                <div aria-hidden="true" className="mt-1 h-2 rounded-full bg-raised"><div className={part.symbol ? "h-2 rounded-full bg-accent" : "h-2 rounded-full bg-quiet"} style={{ width: `${Math.max(0, Math.min(1, part.weight ?? 0)) * 100}%` }} /></div>
              </li>
            ))}
          </ul>
        </Card>
      ))}
    </>
  );
}
