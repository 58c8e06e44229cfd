/** Finding a stock: by name, code or the first consonants of its Korean name, with the keyboard alone if one likes. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useDeferredValue, useEffect, useId, useRef, useState } from "react";
import { api, got } from "@/api/client";
import { useWords } from "@/lib/words";
import { Badge } from "@/ui/basics";

const FOUND_MAX = 12;

export function StockSearch({ onChoose, autoFocus }: { onChoose: (symbol: string) => void; autoFocus?: boolean }) {
  const { t, language } = useWords();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const list = useId();
  const query = useDeferredValue(text.trim());
  const { data, isFetching } = useQuery({
    queryKey: ["search", query],
    queryFn: () => got(api.GET("/api/v1/market/stocks", { params: { query: { query, limit: FOUND_MAX } } })),
    enabled: query.length > 0,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
  const found = query ? (data?.items ?? []) : [];
  useEffect(() => setAt(0), [query]);
  // `/` goes to the search from anywhere on the page, as on many sites.
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent): void => {
      if (event.key !== "/" || (event.target as HTMLElement).closest("input, textarea, select, dialog")) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  const choose = (symbol: string): void => {
    setText("");
    onChoose(symbol);
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown") setAt((before) => Math.min(before + 1, found.length - 1));
    else if (event.key === "ArrowUp") setAt((before) => Math.max(before - 1, 0));
    else if (event.key === "Escape") setText("");
    else if (event.key === "Enter" && found[at] && !event.nativeEvent.isComposing) choose(found[at].symbol);
    else return;
    event.preventDefault();
  };
  const open = query.length > 0;
  return (
    <div className="relative">
      <input ref={input} type="search" role="combobox" aria-label={t("market.search")} aria-expanded={open} aria-controls={list} aria-autocomplete="list"
        aria-activedescendant={open && found[at] ? `${list}-${at}` : undefined} placeholder={t("market.search.hint")} value={text}
        // eslint-disable-next-line jsx-a11y/no-autofocus
        autoFocus={autoFocus ?? false} onChange={(event) => setText(event.target.value)} onKeyDown={onKey} autoComplete="off" spellCheck={false}
        className="min-h-11 w-full rounded-lg border border-line bg-page px-3 placeholder:text-quiet/80 focus:border-accent" />
      {open && (
        <div id={list} role="listbox" aria-label={t("market.search.results")} className="absolute inset-x-0 top-full z-20 mt-1 max-h-96 overflow-y-auto rounded-xl border border-line bg-panel p-1.5 shadow-xl">
          {found.map((each, index) => (
            // The keyboard works through the input, which owns this list.
            // eslint-disable-next-line jsx-a11y/click-events-have-key-events
            <div key={each.symbol} id={`${list}-${index}`} role="option" aria-selected={index === at} tabIndex={-1} onClick={() => choose(each.symbol)}
              className="flex cursor-pointer items-center justify-between gap-2 rounded-lg px-3 py-2 aria-selected:bg-raised hover:bg-raised">
              <span className="min-w-0 truncate"><strong>{(language === "en" && each.name_en) || each.name}</strong> <span className="text-sm text-quiet">{each.symbol}</span></span>
              <Badge>{each.board}</Badge>
            </div>
          ))}
          {found.length === 0 && !isFetching && <div role="option" tabIndex={-1} aria-selected={false} aria-disabled="true" className="px-3 py-2 text-sm text-quiet">{t("market.search.none")}</div>}
        </div>
      )}
    </div>
  );
}
