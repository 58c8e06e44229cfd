/** The plain page of those who are not logged in yet. */
import type { ReactNode } from "react";
import { prefer, usePreferences } from "@/lib/preferences";
import { useWords } from "@/lib/words";
import { Segments } from "@/ui/form";

export function Mark({ size = 32 }: { size?: number }) {
  return <img src="/icon.svg" alt="" width={size} height={size} />;
}

export function AuthFrame({ title, children }: { title: string; children: ReactNode }) {
  const { t } = useWords();
  const { language } = usePreferences();
  return (
    <div className="grid min-h-dvh place-items-center p-4">
      <main className="w-full max-w-sm">
        <div className="mb-6 flex items-center justify-between">
          <div className="flex items-center gap-3">
            <Mark size={40} />
            <span className="text-2xl font-bold tracking-tight">Exodus</span>
          </div>
          <Segments label={t("auth.language")} value={language} options={[["ko", "한국어"], ["en", "English"]]} onChange={(chosen) => prefer({ language: chosen })} />
        </div>
        <p className="mb-6 text-quiet">{t("auth.tagline")}</p>
        <div className="rounded-2xl border border-line bg-panel p-6">
          <h1 className="mb-4">{title}</h1>
          {children}
        </div>
      </main>
    </div>
  );
}

export function Or() {
  const { t } = useWords();
  return <p className="flex items-center gap-3 text-xs text-quiet before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">{t("auth.or")}</p>;
}
