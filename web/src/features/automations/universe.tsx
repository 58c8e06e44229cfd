/** The stocks an automation looks at: written, or taken from a watchlist or from what a saved screen finds now. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { api, got } from "@/api/client";
import { watchlists } from "@/api/queries";
import { useWords } from "@/lib/words";
import { Area } from "@/ui/form";
import { toastProblem } from "@/ui/toasts";
import { symbolsIn } from "./automation-form";

export function Universe({ text, onText }: { text: string; onText: (text: string) => void }) {
  const { t } = useWords();
  const lists = useQuery(watchlists).data?.items ?? [];
  const screens = useQuery({ queryKey: ["screens"], queryFn: () => got(api.GET("/api/v1/market/screens", { params: { query: { limit: 100 } } })) }).data?.items ?? [];
  const take = useMutation({
    mutationFn: async (choice: string) => {
      const list = lists.find((each) => each.id === choice);
      if (list) return list.symbols;
      const found = await got(api.POST("/api/v1/market/screens/{screen_id}/run", { params: { path: { screen_id: choice } } }));
      return found.items.map((each) => each.symbol);
    },
    onSuccess: (symbols) => onText(symbolsIn([text, ...symbols].join(" ")).slice(0, SYMBOLS_MAX).join(", ")),
    onError: toastProblem,
  });
  const choices = [
    ...lists.map((each) => [each.id, t("auto.listOf", { name: each.name })] as const),
    ...screens.map((each) => [each.id, t("auto.screenOf", { name: each.name })] as const),
  ];
  return (
    <div className="grid gap-1">
      <Area name="symbols" label={t("auto.symbols")} rows={2} spellCheck={false} autoCapitalize="characters" placeholder="005930, 000660" value={text} onText={onText}
        hint={text ? t("auto.symbols.count", { count: symbolsIn(text).length }) : t("auto.symbols.hint")} />
      {choices.length > 0 && (
        <select aria-label={t("auto.symbols.from")} value="" disabled={take.isPending} onChange={(event) => take.mutate(event.target.value)} className="w-fit max-w-full rounded-lg border border-line bg-page px-2 py-1 text-xs text-quiet">
          <option value="">{t("auto.symbols.from")}…</option>
          {choices.map(([id, name]) => <option key={id} value={id}>{name}</option>)}
        </select>
      )}
    </div>
  );
}

const SYMBOLS_MAX = 100;
