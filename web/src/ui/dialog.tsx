/**
 * A dialog on the browser's own element: it traps the focus, closes by Escape and hides the page behind it from screen
 * readers by itself, and needs no style sheet written at run time, which the content policy would refuse.
 */
import { type ReactNode, useEffect, useId, useRef } from "react";
import { useWords } from "@/lib/words";
import { Button } from "./basics";

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  children: ReactNode;
  /** It must be answered: neither Escape nor a cross closes it. */
  firm?: boolean;
}

export function Dialog({ open, onClose, title, children, firm }: DialogProps) {
  const { t } = useWords();
  const box = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = box.current;
    if (!dialog || !open) return;
    if (!dialog.open) dialog.showModal();
    return () => dialog.close();
  }, [open]);
  if (!open) return null;
  return (
    <dialog
      ref={box}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        if (!firm) onClose();
      }}
      className="w-[min(32rem,calc(100vw-1.5rem))] max-h-[calc(100dvh-2rem)] overflow-y-auto rounded-2xl border border-line bg-panel p-0 text-ink shadow-2xl"
    >
      <div className="flex items-center justify-between gap-2 border-b border-line px-5 py-3">
        <h2 id={heading} className="text-lg">{title}</h2>
        {!firm && <Button look="quiet" size="small" aria-label={t("app.close")} onClick={onClose}>✕</Button>}
      </div>
      <div className="p-5">{children}</div>
    </dialog>
  );
}
