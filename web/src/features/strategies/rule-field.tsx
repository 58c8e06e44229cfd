/** A rule as text: what may come next is offered, and what cannot be read is marked where it stands, to the letter. */
import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useDeferredValue, useEffect, useId, useMemo, useRef, useState } from "react";
import { api, got } from "@/api/client";
import { useWords } from "@/lib/words";
import { cx } from "@/ui/basics";
import { Area } from "@/ui/form";
import { type Completion, type Offer, offersAt } from "./completion";
import { Marked } from "./marked";

interface RuleFieldProps {
  name: string; label: string; value: string; onText: (text: string) => void; parameters?: boolean;
  /** A number to rank by instead of a condition. */
  number?: boolean;
  /** Whether it may read figures of companies, as a portfolio's rules may. */
  figures?: boolean;
}

export function useRuleCheck(rule: string, skip = false, kind: { number?: boolean; figures?: boolean } = {}) {
  const { number = false, figures = false } = kind;
  const rested = useDeferredValue(rule.trim());
  return useQuery({
    queryKey: ["rule", rested, number, figures],
    queryFn: () => got(api.POST("/api/v1/backtest/rules/check", { body: { rule: rested, number, figures } })),
    enabled: rested.length > 0 && !skip,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
}

export function RuleField({ name, label, value, onText, parameters, number, figures }: RuleFieldProps) {
  const { t, language } = useWords();
  const box = useRef<HTMLDivElement>(null);
  const list = useId();
  const completion = useCompletion(box, value, onText);
  // A rule with {names} in it becomes one only when they have values.
  const skip = Boolean(parameters) && /[{}]/.test(value);
  const { data } = useRuleCheck(value, skip, { number, figures });
  const wrong = data && !data.valid ? data : null;
  const error = (language === "ko" ? wrong?.error_ko : wrong?.error) ?? "";
  const problem = wrong ? (wrong.column === null ? error : t("strategy.rule.column", { column: wrong.column, error })) : null;
  const { open, offers, at } = completion;
  return (
    <div ref={box} className="relative grid gap-1">
      <Area name={name} label={label} rows={2} spellCheck={false} autoCapitalize="off" autoComplete="off" value={value} problem={problem} hint={value ? null : t(number ? "many.factor.hint" : "strategy.rule.hint")}
        aria-autocomplete="list" aria-controls={open ? list : undefined} aria-activedescendant={open ? `${list}-${at}` : undefined}
        onText={completion.typed} onKeyDown={completion.pressed} onBlur={completion.close}
        behind={wrong?.column ? <Marked text={value} column={wrong.column} /> : undefined} />
      {open && <Offers id={list} offers={offers} at={at} label={t("strategy.rule.offers")} onPick={completion.pick} />}
      {data?.valid && <p className="text-xs font-semibold text-good">✓ {t("strategy.rule.ok")}</p>}
    </div>
  );
}

const NOTHING: Completion = { from: 0, offers: [] };

function useCompletion(box: React.RefObject<HTMLDivElement | null>, value: string, onText: (text: string) => void) {
  const { data } = useQuery({ queryKey: ["indicators"], queryFn: () => got(api.GET("/api/v1/market/indicators")), staleTime: Number.POSITIVE_INFINITY });
  // What was asked is kept, not what was found: who types before the indicators are known is offered them when they are.
  const [asked, setAsked] = useState<{ text: string; place: number } | null>(null);
  const { from, offers } = useMemo(() => (asked ? offersAt(asked.text, asked.place, data ?? []) : NOTHING), [asked, data]);
  const [at, setAt] = useState(0);
  const caret = useRef<number | null>(null);
  const area = (): HTMLTextAreaElement | null => box.current?.querySelector("textarea") ?? null;
  // React writes the value first; the caret follows what was inserted.
  useEffect(() => {
    if (caret.current === null) return;
    area()?.setSelectionRange(caret.current, caret.current);
    caret.current = null;
  });
  const offer = (text: string, place: number): void => {
    setAsked({ text, place });
    setAt(0);
  };
  const close = (): void => setAsked(null);
  const typed = (text: string): void => {
    onText(text);
    const place = area()?.selectionStart ?? text.length;
    // A fresh word, or a part after a point: a space or a bracket asks for nothing.
    if (/[a-z_.]$/i.test(text.slice(0, place))) offer(text, place);
    else close();
  };
  const pick = ({ insert, kind }: Offer): void => {
    const place = area()?.selectionStart ?? value.length;
    const text = `${value.slice(0, from)}${insert}${value.slice(place)}`;
    caret.current = from + insert.length;
    onText(text);
    if (insert.endsWith(".") && kind === "indicator") offer(text, caret.current);
    else close();
    area()?.focus();
  };
  const pressed = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      offer(value, event.currentTarget.selectionStart);
      return;
    }
    const chosen = offers[at];
    if (!chosen || event.nativeEvent.isComposing) return;
    if (event.key === "Escape") close();
    else if (event.key === "ArrowDown") setAt((at + 1) % offers.length);
    else if (event.key === "ArrowUp") setAt((at + offers.length - 1) % offers.length);
    else if (event.key === "Enter" || event.key === "Tab") pick(chosen);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return { open: offers.length > 0, offers, at, typed, pressed, pick, close };
}

interface OffersProps { id: string; label: string; offers: readonly Offer[]; at: number; onPick: (offer: Offer) => void }

function Offers({ id, label, offers, at, onPick }: OffersProps) {
  const { t } = useWords();
  const tag = { indicator: null, field: t("strategy.rule.field"), part: t("strategy.rule.part"), word: t("strategy.rule.word") };
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // In braces: what newer browsers return, a promise, would be called as the effect's end.
    void list.current?.children[at]?.scrollIntoView({ block: "nearest" });
  }, [at]);
  return (
    <div className="absolute top-full right-0 left-0 z-10 mt-1 overflow-hidden rounded-xl border border-line bg-panel shadow-xl">
      <div ref={list} id={id} role="listbox" aria-label={label} tabIndex={-1} className="max-h-64 overflow-y-auto p-1">
        {offers.map((each, place) => (
          // The keys are the text box's, which keeps the focus; the mouse may press here.
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events
          <div key={`${each.kind} ${each.name}`} id={`${id}-${place}`} role="option" aria-selected={place === at} tabIndex={-1}
            onMouseDown={(event) => event.preventDefault()} onClick={() => onPick(each)}
            className={cx("grid cursor-pointer grid-cols-[auto_1fr] items-baseline gap-3 rounded-lg px-2.5 py-1.5", place === at && "bg-raised")}>
            <code className="text-sm font-semibold">{each.kind === "indicator" ? each.insert.replace(/\.$/, "") : each.name}</code>
            <span className="truncate text-right text-xs text-quiet">{tag[each.kind] ?? each.about}</span>
          </div>
        ))}
      </div>
      <p className="border-t border-line px-3 py-1.5 text-xs text-quiet">{t("strategy.rule.keys")}</p>
    </div>
  );
}
