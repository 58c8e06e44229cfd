/** The ways in by other platforms: only those the operator has set up, so an installation without any shows nothing. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, got } from "@/api/client";
import { useWords } from "@/lib/words";
import { Button } from "@/ui/basics";
import { Or } from "./frame";

export const providers = queryOptions({
  queryKey: ["providers"],
  queryFn: () => got(api.GET("/api/v1/auth/oauth/providers")),
  staleTime: Number.POSITIVE_INFINITY,
});

/** Drawn here: their own buttons would come from their servers, and tell them who looks. */
const MARKS: Record<string, { letter: string; colours: string }> = {
  google: { letter: "G", colours: "bg-white text-[#1a56c4]" },
  kakao: { letter: "K", colours: "bg-[#fee500] text-[#191600]" },
  naver: { letter: "N", colours: "bg-[#027a38] text-white" },
};

export function ProviderMark({ provider }: { provider: string }) {
  const { letter, colours } = MARKS[provider] ?? { letter: provider.slice(0, 1).toUpperCase(), colours: "bg-raised text-ink" };
  return <span aria-hidden="true" className={`grid size-5 place-items-center rounded-full border border-line text-xs font-bold ${colours}`}>{letter}</span>;
}

export function SocialButtons() {
  const { t, named } = useWords();
  const { data } = useQuery(providers);
  return (
    <>
      {data?.items.map((each) => (
        <Button key={each} asChild>
          {/* A page of the platform that leads on to theirs: no route of this client. */}
          <a href={`/api/v1/auth/oauth/${each}/start`}><ProviderMark provider={each} /> {t("auth.with", { provider: named("provider", each) })}</a>
        </Button>
      ))}
    </>
  );
}

/** The same under a form that has no other way beside it. */
export function Elsewhere() {
  const { data } = useQuery(providers);
  return data && data.items.length > 0 ? <div className="mt-4 grid gap-3"><Or /><SocialButtons /></div> : null;
}
