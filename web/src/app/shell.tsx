/** The frame around every page of those who are logged in: where to go, how the lines are, and the way to stop it all. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Navigate, Outlet, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { profile } from "@/api/queries";
import { useSession } from "@/api/session";
import { useAccount } from "@/features/accounts/current";
import { SessionOver, StepUpGate } from "@/features/auth/gates";
import { Mark } from "@/features/auth/frame";
import { KillSwitch } from "@/features/risk/kill-switch";
import { Notices } from "@/features/notices/notices";
import { prefer } from "@/lib/preferences";
import { useWords, type Word } from "@/lib/words";
import { startAccount, useAccountHealth } from "@/live/account";
import { startMarket, useMarketHealth } from "@/live/market";
import { AccountKind, Button, cx, Empty, Loading } from "@/ui/basics";
import { toast, Toasts } from "@/ui/toasts";
import { MeMenu } from "./me-menu";

const PLACES: readonly { to: string; word: Word; icon: string; admin?: true }[] = [
  { to: "/", word: "nav.dashboard", icon: "M4 13h7V4H4zm0 7h7v-5H4zm9 0h7v-9h-7zm0-16v5h7V4z" },
  { to: "/market", word: "nav.market", icon: "M3 17 9 11l4 4 8-9v5h-2l-6 7-4-4-6 6z" },
  { to: "/orders", word: "nav.orders", icon: "M5 4h14v16H5zm3 4v2h8V8zm0 5v2h8v-2z" },
  { to: "/portfolio", word: "nav.portfolio", icon: "M11 3v10h10a9 9 0 1 1-10-10zm2 0a9 9 0 0 1 8 8h-8z" },
  { to: "/strategies", word: "nav.strategies", icon: "M5 3h4v6H8v3h8V9h-1V3h4v6h-1v5h-5v3h2v4H9v-4h2v-3H6V9H5z" },
  { to: "/backtests", word: "nav.backtests", icon: "M12 4a8 8 0 1 1-8 8h2a6 6 0 1 0 2-4.5L10 10H4V4l2.6 2.1A8 8 0 0 1 12 4zm1 4v5l3 2-1 1.6-4-2.6V8z" },
  { to: "/automations", word: "nav.automations", icon: "M11 2h2v3h4a3 3 0 0 1 3 3v9a3 3 0 0 1-3 3H7a3 3 0 0 1-3-3V8a3 3 0 0 1 3-3h4zM8.500 10a1.500 1.500 0 1 0 0 3 1.500 1.500 0 0 0 0-3zm7 0a1.500 1.500 0 1 0 0 3 1.500 1.500 0 0 0 0-3zM9 15v2h6v-2z" },
  { to: "/screener", word: "nav.screener", icon: "M3 5h18l-7 8v6l-4-2v-4z" },
  { to: "/alerts", word: "nav.alerts", icon: "M12 3a6 6 0 0 1 6 6v5l2 3H4l2-3V9a6 6 0 0 1 6-6zm-2 16h4a2 2 0 0 1-4 0z" },
  { to: "/connections", word: "nav.connections", icon: "M9 3v5h6V3h2v5h2v5a5 5 0 0 1-5 5h-1v3h-2v-3h-1a5 5 0 0 1-5-5V8h2V3z" },
  { to: "/risk", word: "nav.risk", icon: "M12 2 4 5v7c0 5 3.5 8.5 8 10 4.5-1.5 8-5 8-10V5z" },
  { to: "/settings", word: "nav.settings", icon: "M10 3h4l.5 2.5 2 1.2 2.4-.9 2 3.4-2 1.700v2.200l2 1.7-2 3.4-2.4-.9-2 1.200L14 21h-4l-.5-2.5-2-1.2-2.4.9-2-3.4 2-1.700v-2.200l-2-1.7 2-3.4 2.4.9 2-1.200zm2 6a3 3 0 1 0 0 6 3 3 0 0 0 0-6z" },
  { to: "/admin", word: "nav.admin", icon: "M12 3a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM4 20c0-4 4-6 8-6s8 2 8 6z", admin: true },
];
const ON_PHONE = ["/", "/market", "/orders", "/portfolio"];

export function Inside() {
  const { standing } = useSession();
  const queries = useQueryClient();
  const { userId } = useSession();
  // Whoever logs in next sees nothing of who was here before.
  const before = useRef(userId);
  useEffect(() => {
    if (before.current !== null && before.current !== userId) queries.clear();
    before.current = userId;
  }, [queries, userId]);
  if (standing === "asking") return <div className="mx-auto max-w-md pt-24"><Loading /></div>;
  if (standing === "out") return <Navigate to="/login" />;
  return (
    <>
      {/* Whose page it is: another person's page begins from nothing. */}
      <Frame key={userId} />
      <SessionOver />
      <StepUpGate />
      <Toasts />
    </>
  );
}

function Frame() {
  const { t } = useWords();
  const queries = useQueryClient();
  const [menuOpen, setMenuOpen] = useState(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  useEffect(() => setMenuOpen(false), [path]);
  useEffect(() => startMarket(), []);
  useEffect(() => startAccount(queries, (title, body) => toast(title, "plain", body)), [queries]);
  useServerLanguage();
  return (
    <div className="min-h-dvh md:grid md:grid-cols-[13.5rem_1fr]">
      <a href="#content" className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-lg focus:bg-accent focus:px-3 focus:py-2 focus:text-on-accent">{t("app.skip")}</a>
      <aside className="sticky top-0 hidden h-dvh flex-col border-r border-line bg-panel md:flex">
        <Link to="/" className="flex items-center gap-2 px-4 py-4 text-lg font-bold"><Mark /> Exodus</Link>
        <Places />
      </aside>
      <div className="min-w-0 pb-20 md:pb-8">
        <Top />
        <LineNews />
        <main id="content" tabIndex={-1} className="mx-auto max-w-7xl px-3 py-4 outline-none md:px-6"><Outlet /></main>
      </div>
      <PhoneBar onMenu={() => setMenuOpen((open) => !open)} open={menuOpen} />
      {menuOpen && <div className="fixed inset-0 bottom-16 z-30 overflow-y-auto bg-panel p-3 md:hidden"><Places /></div>}
    </div>
  );
}

function Top() {
  const account = useAccount();
  return (
    <header className={cx("sticky top-0 z-20 flex min-h-14 items-center gap-2 border-b bg-panel/95 px-3 py-2 backdrop-blur md:px-6", account.current?.kind === "live" ? "border-b-4 border-live" : "border-line")}>
      <Link to="/" aria-label="Exodus" className="md:hidden"><Mark size={30} /></Link>
      <AccountChoice />
      <div className="ml-auto flex items-center gap-1.5">
        <Lamp />
        <KillSwitch />
        <Notices />
        <MeMenu />
      </div>
    </header>
  );
}

function AccountChoice() {
  const { t } = useWords();
  const { all, current, choose } = useAccount();
  if (!current) return null;
  return (
    <div className="flex min-w-0 items-center gap-2">
      <AccountKind kind={current.kind} />
      <select aria-label={t("account.choose")} value={current.id} onChange={(event) => choose(event.target.value)} className="min-h-9 max-w-44 min-w-0 truncate rounded-lg border border-line bg-page px-2 text-sm font-semibold">
        {all.map((each) => <option key={each.id} value={each.id}>{t(each.kind === "live" ? "account.live" : "account.paper")} · {each.name}</option>)}
      </select>
    </div>
  );
}

/** Both lines in one lamp; a word stands beside its colour. */
function Lamp() {
  const { t } = useWords();
  const market = useMarketHealth();
  const account = useAccountHealth();
  const worst = market === "lost" || account === "lost" ? "lost" : market === "live" && account === "live" ? "live" : "connecting";
  const colour = { live: "bg-good", connecting: "bg-warn", lost: "bg-bad" }[worst];
  return (
    <span className="hidden items-center gap-1.5 px-1 text-xs font-semibold text-quiet sm:inline-flex" data-health={worst}>
      <span className={cx("size-2 rounded-full", colour)} aria-hidden="true" />
      {t(`line.${worst}`)}
    </span>
  );
}

function LineNews() {
  const { t } = useWords();
  const market = useMarketHealth();
  const account = useAccountHealth();
  if (market !== "lost" && account !== "lost") return null;
  return (
    <div role="alert" className="border-b border-warn/40 bg-warn/15 px-4 py-2 text-sm font-medium text-warn">
      {t(market === "lost" ? "line.lost.market" : "line.lost.account")}
    </div>
  );
}

function Places() {
  const { t } = useWords();
  const { role } = useSession();
  return (
    <nav aria-label={t("nav.label")} className="grid content-start gap-0.5 overflow-y-auto px-2 pb-4">
      {PLACES.filter((place) => !place.admin || role === "admin").map((place) => (
        <Link key={place.to} to={place.to} activeOptions={{ exact: place.to === "/" }} className="flex min-h-11 items-center gap-3 rounded-lg px-3 font-medium text-quiet hover:bg-raised hover:text-ink md:min-h-10 data-[status=active]:bg-raised data-[status=active]:text-ink">
          <Icon path={place.icon} />
          {t(place.word)}
        </Link>
      ))}
    </nav>
  );
}

function PhoneBar({ onMenu, open }: { onMenu: () => void; open: boolean }) {
  const { t } = useWords();
  const cell = "flex min-h-16 flex-1 flex-col items-center justify-center gap-0.5 text-xs font-semibold text-quiet data-[status=active]:text-accent";
  return (
    <nav aria-label={t("nav.label")} className="fixed inset-x-0 bottom-0 z-40 flex border-t border-line bg-panel pb-[env(safe-area-inset-bottom)] md:hidden">
      {PLACES.filter((place) => ON_PHONE.includes(place.to)).map((place) => (
        <Link key={place.to} to={place.to} activeOptions={{ exact: place.to === "/" }} className={cell}>
          <Icon path={place.icon} />
          {t(place.word)}
        </Link>
      ))}
      <button type="button" className={cell} aria-expanded={open} onClick={onMenu}>
        <Icon path="M4 6h16v2H4zm0 5h16v2H4zm0 5h16v2H4z" />
        {t("nav.menu")}
      </button>
    </nav>
  );
}

function Icon({ path }: { path: string }) {
  return <svg viewBox="0 0 24 24" width="20" height="20" fill="currentColor" aria-hidden="true"><path d={path} /></svg>;
}

/** The language and theme that were chosen on another device come along. */
function useServerLanguage(): void {
  const { data } = useQuery(profile);
  const told = data?.language;
  useEffect(() => {
    if (told) prefer({ language: told });
  }, [told]);
}

export function NotFound() {
  const { t } = useWords();
  return <Empty action={<Link to="/" className="text-accent underline">{t("app.home")}</Link>}>{t("app.notFound")}</Empty>;
}

export function Broken() {
  const { t } = useWords();
  return (
    <Empty action={<Button look="main" onClick={() => location.reload()}>{t("app.reload")}</Button>}>
      <strong className="block text-ink">{t("app.broke")}</strong>
      {t("app.broke.hint")}
    </Empty>
  );
}
