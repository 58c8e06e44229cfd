/** What belongs to the person: settings, and the ways out. */
import * as Menu from "@radix-ui/react-dropdown-menu";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { api, got } from "@/api/client";
import { profile } from "@/api/queries";
import { forget, leave } from "@/api/session";
import { useWords } from "@/lib/words";
import { toastProblem } from "@/ui/toasts";

const ITEM = "cursor-pointer rounded-lg px-3 py-2 text-sm font-medium outline-none data-[highlighted]:bg-raised";

export function MeMenu() {
  const { t } = useWords();
  const { data } = useQuery(profile);
  const navigate = useNavigate();
  const everywhere = (): void => void got(api.POST("/api/v1/auth/logout-all")).then(forget, toastProblem);
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger aria-label={t("nav.me")} className="grid size-9 place-items-center rounded-full bg-raised text-sm font-bold">
        {data?.name.slice(0, 1) ?? "·"}
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Content align="end" sideOffset={8} className="z-50 min-w-56 rounded-xl border border-line bg-panel p-1.5 shadow-xl">
          <div className="px-3 py-2">
            <p className="font-semibold">{data?.name}</p>
            <p className="text-xs text-quiet">{data?.email}</p>
          </div>
          <Menu.Item className={ITEM} onSelect={() => void navigate({ to: "/settings" })}>{t("nav.settings")}</Menu.Item>
          <Menu.Item className={ITEM} onSelect={() => void leave()}>{t("nav.logout")}</Menu.Item>
          <Menu.Item className={ITEM} onSelect={everywhere}>{t("nav.logoutAll")}</Menu.Item>
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}
