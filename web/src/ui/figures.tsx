/** Money, prices and moves, in the person's language, currency habit and colours. */
import { useEffect, useRef } from "react";
import { type Currency, direction, money, number, percent, price, rate } from "@/lib/format";
import { useWords } from "@/lib/words";
import { cx } from "./basics";

export function tint(way: -1 | 0 | 1): string {
  return way > 0 ? "text-up" : way < 0 ? "text-down" : "";
}

export function Money({ value, currency, signed }: { value: string; currency: Currency; signed?: boolean }) {
  const { language } = useWords();
  const way = direction(value);
  return <span className={cx("num", signed && tint(way))}>{signed && way > 0 && "+"}{money(language, value, currency)}</span>;
}

export function Price({ value, currency, className }: { value: string; currency: Currency; className?: string }) {
  const { language } = useWords();
  return <span className={cx("num", className)}>{price(language, value, currency)}</span>;
}

export function Quantity({ value }: { value: string }) {
  const { language } = useWords();
  return <span className="num">{number(language, value)}</span>;
}

const ARROWS = { "1": "▲", "0": "", "-1": "▼" } as const;

/** A move by a percentage: colour, arrow and sign say the same, so that none is needed to understand it. */
export function Move({ percent: value, change }: { percent: string; change?: string }) {
  const { t, language } = useWords();
  const way = direction(value);
  return (
    <span className={cx("num", tint(way))}>
      <span aria-hidden="true" className="text-[0.7em]">{ARROWS[`${way}`]} </span>
      <span className="sr-only">{way > 0 ? t("move.up") : way < 0 ? t("move.down") : ""} </span>
      {change !== undefined && <>{number(language, change.replace(/^-/, ""))} </>}
      {percent(language, value)}
    </span>
  );
}

/** A return as a share of one; a dash where there is none to tell. */
export function Rate({ value, signed = true }: { value: number | null | undefined; signed?: boolean }) {
  const { language } = useWords();
  if (value === null || value === undefined) return <span className="text-quiet">–</span>;
  // What is shown as 0.00% has no colour.
  const moved = Math.round(value * 10_000);
  return <span className={cx("num", signed && tint(moved > 0 ? 1 : moved < 0 ? -1 : 0))}>{rate(language, value, 2, signed)}</span>;
}

export function Ratio({ value }: { value: number | null | undefined }) {
  const { language } = useWords();
  return value === null || value === undefined ? <span className="text-quiet">–</span> : <span className="num">{number(language, value, 2, 2)}</span>;
}

const FLASH_MS = 600;
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** In a few steps, not sixty: a hundred prices may be lit at once. */
function flash(span: HTMLElement, up: boolean): Animation {
  const lit = `color-mix(in srgb, var(${up ? "--up" : "--down"}) 32%, transparent)`;
  return span.animate({ backgroundColor: [lit, "transparent"] }, { duration: FLASH_MS, easing: "steps(6)" });
}

/** A price that lights up for a moment when it moves. */
export function FlashingPrice({ value, currency, className }: { value: string; currency: Currency; className?: string }) {
  const box = useRef<HTMLSpanElement>(null);
  const before = useRef(value);
  const lit = useRef<Animation | null>(null);
  useEffect(() => {
    const way = Number(value) - Number(before.current);
    before.current = value;
    if (way === 0 || !box.current || still.matches) return;
    // Not by a class: to restart that, the page would have to be laid out for each price.
    lit.current?.cancel();
    lit.current = flash(box.current, way > 0);
  }, [value]);
  return (
    <span ref={box} className={cx("rounded px-0.5", className)}>
      <Price value={value} currency={currency} />
    </span>
  );
}
