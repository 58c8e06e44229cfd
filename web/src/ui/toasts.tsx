/** Short news at the edge of the screen, read aloud by screen readers, gone by itself. */
import { useSyncExternalStore } from "react";
import { explain } from "@/api/problem";
import { useWords } from "@/lib/words";
import { cx } from "./basics";

interface Toast { id: number; text: string; detail?: string; tone: "good" | "bad" | "plain" }

const SHOWN_MS = 6000;
const SHOWN_MAX = 4;
let toasts: readonly Toast[] = [];
let next = 1;
const listeners = new Set<() => void>();

function become(those: readonly Toast[]): void {
  toasts = those;
  for (const listener of listeners) listener();
}

export function toast(text: string, tone: Toast["tone"] = "plain", detail?: string): void {
  const id = next++;
  become([...toasts, { id, text, tone, ...(detail ? { detail } : {}) }].slice(-SHOWN_MAX));
  setTimeout(() => dismiss(id), SHOWN_MS);
}

export const toastProblem = (error: unknown): void => toast(explain(error), "bad");

function dismiss(id: number): void {
  become(toasts.filter((each) => each.id !== id));
}

export function Toasts() {
  const { t } = useWords();
  const shown = useSyncExternalStore((changed) => (listeners.add(changed), () => listeners.delete(changed)), () => toasts);
  return (
    <div aria-live="polite" role="status" className="pointer-events-none fixed inset-x-3 bottom-20 z-50 grid justify-items-end gap-2 md:bottom-4">
      {shown.map((each) => (
        <div key={each.id} className={cx("pointer-events-auto flex w-full max-w-sm items-start gap-3 rounded-xl border bg-panel px-4 py-3 shadow-xl", each.tone === "bad" ? "border-bad" : each.tone === "good" ? "border-good" : "border-line")}>
          <div className="flex-1">
            <p className="font-semibold">{each.text}</p>
            {each.detail && <p className="text-sm text-quiet">{each.detail}</p>}
          </div>
          <button type="button" aria-label={t("app.close")} onClick={() => dismiss(each.id)} className="text-quiet hover:text-ink">✕</button>
        </div>
      ))}
    </div>
  );
}
