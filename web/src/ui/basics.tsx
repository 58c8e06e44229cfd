/** The small parts everything is made of. */
import { Slot } from "@radix-ui/react-slot";
import type { ButtonHTMLAttributes, HTMLAttributes, ReactNode } from "react";
import { useWords } from "@/lib/words";

export function cx(...classes: (string | false | null | undefined)[]): string {
  return classes.filter(Boolean).join(" ");
}

const LOOKS = {
  main: "bg-accent text-on-accent hover:brightness-110",
  plain: "bg-raised text-ink border border-line hover:border-quiet",
  quiet: "text-quiet hover:text-ink hover:bg-raised",
  danger: "bg-bad text-on-move hover:brightness-110",
  up: "bg-up text-on-move hover:brightness-110",
  down: "bg-down text-on-move hover:brightness-110",
} as const;

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: keyof typeof LOOKS;
  size?: "small" | "normal" | "large";
  busy?: boolean;
  asChild?: boolean;
}

export function Button({ look = "plain", size = "normal", busy, asChild, className, children, ...rest }: ButtonProps) {
  const Part = asChild ? Slot : "button";
  const classes = cx(
    "inline-flex items-center justify-center gap-1.5 rounded-lg font-semibold transition disabled:opacity-55",
    size === "small" ? "min-h-8 px-2.5 text-sm whitespace-nowrap" : size === "large" ? "min-h-12 px-5 text-base" : "min-h-10 px-3.5 text-sm",
    LOOKS[look],
    className,
  );
  return (
    <Part {...(asChild ? {} : { type: "button" as const })} {...rest} disabled={rest.disabled || busy} aria-busy={busy || undefined} className={classes}>
      {children}
    </Part>
  );
}

interface CardProps extends Omit<HTMLAttributes<HTMLElement>, "title"> {
  title?: ReactNode;
  actions?: ReactNode;
  flush?: boolean;
}

export function Card({ title, actions, flush, className, children, ...rest }: CardProps) {
  return (
    <section {...rest} className={cx("min-w-0 rounded-xl border border-line bg-panel", className)}>
      {(title || actions) && (
        <header className="flex min-h-12 flex-wrap items-center justify-between gap-2 border-b border-line px-4 py-2">
          {title ? <h2 className="max-w-full min-w-0">{title}</h2> : <span />}
          {actions && <div className="flex max-w-full min-w-0 flex-wrap items-center gap-2">{actions}</div>}
        </header>
      )}
      <div className={flush ? "" : "p-4"}>{children}</div>
    </section>
  );
}

const TONES = {
  plain: "bg-raised text-quiet border-line",
  good: "text-good border-good/40 bg-good/10",
  bad: "text-bad border-bad/40 bg-bad/10",
  warn: "text-warn border-warn/40 bg-warn/10",
  accent: "text-accent border-accent/40 bg-accent/10",
} as const;
export type Tone = keyof typeof TONES;

export function Badge({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={cx("inline-flex items-center rounded-md border px-1.5 py-0.5 text-xs font-semibold whitespace-nowrap", TONES[tone])}>{children}</span>;
}

/** What money it is about: paper is drawn with a dashed line, live is filled, and both say so in words. */
export function AccountKind({ kind }: { kind: "paper" | "live" }) {
  const { t } = useWords();
  return kind === "paper" ? (
    <span className="inline-flex items-center rounded-md border border-dashed border-paper px-1.5 py-0.5 text-xs font-bold text-paper whitespace-nowrap">{t("account.paper")}</span>
  ) : (
    <span className="inline-flex items-center rounded-md bg-live px-1.5 py-0.5 text-xs font-bold text-on-move whitespace-nowrap">{t("account.live")}</span>
  );
}

export function Note({ tone = "plain", children, role }: { tone?: Tone; children: ReactNode; role?: "alert" | "status" }) {
  return (
    <div role={role} className={cx("rounded-lg border px-3 py-2 text-sm", TONES[tone], tone === "plain" && "text-ink")}>
      {children}
    </div>
  );
}

export function Empty({ children, action }: { children: ReactNode; action?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-3 px-4 py-10 text-center text-quiet">
      <p>{children}</p>
      {action}
    </div>
  );
}

export function Loading() {
  const { t } = useWords();
  return (
    <div role="status" aria-label={t("app.loading")} className="grid gap-2 p-4">
      {[90, 70, 80].map((width) => (
        <span key={width} className="h-4 animate-pulse rounded bg-raised motion-reduce:animate-none" style={{ width: `${width}%` }} />
      ))}
    </div>
  );
}

export function PageTitle({ children, actions }: { children: ReactNode; actions?: ReactNode }) {
  return (
    <div className="mb-4 flex flex-wrap items-center justify-between gap-2">
      <h1>{children}</h1>
      {actions && <div className="flex flex-wrap gap-2">{actions}</div>}
    </div>
  );
}

/** Names and what they are, two or more side by side. */
export function Facts({ items, columns = 2 }: { items: readonly (readonly [ReactNode, ReactNode])[]; columns?: 2 | 4 }) {
  return (
    <dl className={cx("grid gap-x-6 gap-y-3", columns === 4 ? "grid-cols-2 md:grid-cols-4" : "grid-cols-2")}>
      {items.map(([name, value], at) => (
        <div key={at} className="min-w-0">
          <dt className="text-xs text-quiet">{name}</dt>
          <dd className="font-semibold">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** How much of something is done or used; `label` is said to those who do not see it. */
export function Progress({ label, value, max }: { label: string; value: number; max: number }) {
  return (
    <progress aria-label={label} value={value} max={max || 1}
      className="h-2 w-full appearance-none overflow-hidden rounded-full border-0 bg-raised [&::-moz-progress-bar]:bg-accent [&::-webkit-progress-bar]:bg-raised [&::-webkit-progress-value]:bg-accent" />
  );
}
