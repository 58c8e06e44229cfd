/** A text to take along: shown as it is, and copied by a button. */
import { useWords } from "@/lib/words";
import { Button } from "@/ui/basics";
import { toast, toastProblem } from "@/ui/toasts";

export function Copyable({ text }: { text: string }) {
  const { t } = useWords();
  const copy = (): void => void navigator.clipboard.writeText(text).then(() => toast(t("app.copied"), "good"), toastProblem);
  return (
    <div className="mt-1 flex items-start gap-2 rounded-lg bg-raised p-2 text-ink">
      <pre className="min-w-0 flex-1 font-mono text-xs break-all whitespace-pre-wrap">{text}</pre>
      <Button size="small" onClick={copy}>{t("app.copy")}</Button>
    </div>
  );
}
