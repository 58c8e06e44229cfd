/** What one person may do on this installation. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { useSession } from "@/api/session";
import { useWords } from "@/lib/words";
import { Button, Note } from "@/ui/basics";
import { Dialog } from "@/ui/dialog";
import { Form, Input, Segments, Select, Toggle } from "@/ui/form";
import { toast, toastProblem } from "@/ui/toasts";
import { proposals } from "./proposals";

export type User = Schemas["AuthAccountShown"];
type Permissions = Schemas["PermissionsShown"];
const NARROWED = ["real", "daily_trades_max"] as const;
const CALLS = ["60", "600", "6000", "60000"] as const;

export function ManageUser({ user, onClose }: { user: User | null; onClose: () => void }) {
  return (
    <Dialog open={user !== null} onClose={onClose} title={user?.email ?? ""}>
      {user && <Manage key={user.id} user={user} />}
    </Dialog>
  );
}

function Manage({ user }: { user: User }) {
  const { t, named } = useWords();
  const queries = useQueryClient();
  const { userId } = useSession();
  const waits = useQuery(proposals).data?.items.find((each) => each.user_id === user.id);
  // What one has proposed oneself goes on from there; another administrator's is not taken over unseen.
  const [begun] = useState<Pick<User, "role" | "permissions">>(waits?.proposed_by === userId ? waits : user);
  const [permissions, setPermissions] = useState<Permissions>(begun.permissions);
  const [role, setRole] = useState(begun.role);
  const [locked, setLocked] = useState(user.locked);
  const path = { user_id: user.id };
  const usage = useQuery({ queryKey: ["usage", user.id], queryFn: () => got(api.GET("/api/v1/admin/users/{user_id}/usage", { params: { path } })) });
  const reread = () => queries.invalidateQueries({ queryKey: ["users"] });
  const save = useMutation({
    mutationFn: async () => {
      // Only what was changed here: what is sent again withdraws what waits for another administrator.
      const changed = JSON.stringify(permissions) !== JSON.stringify(begun.permissions);
      const kept = changed ? await got(api.PUT("/api/v1/admin/users/{user_id}/permissions", { params: { path }, body: permissions })) : user;
      return role === begun.role ? kept : got(api.PUT("/api/v1/admin/users/{user_id}/role", { params: { path }, body: { role } }));
    },
    onSuccess: (kept) => {
      // What lets somebody do more is only proposed.
      const holds = kept.role === role && NARROWED.every((name) => kept.permissions[name] === permissions[name]);
      toast(t(holds ? "app.saved" : "admin.isProposed"), holds ? "good" : "plain");
      return Promise.all([reread(), queries.invalidateQueries({ queryKey: ["proposals"] })]);
    },
  });
  const turn = useMutation({
    mutationFn: () => (locked ? got(api.POST("/api/v1/admin/users/{user_id}/unlock", { params: { path } })) : got(api.POST("/api/v1/admin/users/{user_id}/lock", { params: { path } }))),
    onSuccess: (changed) => {
      setLocked(changed.locked);
      return reread();
    },
    onError: toastProblem,
  });
  const set = (changes: Partial<Permissions>): void => setPermissions((before) => ({ ...before, ...changes }));
  return (
    <Form onSubmit={() => save.mutate()} error={save.error}>
      {waits && <Note tone="accent">{t(waits.proposed_by === userId ? "admin.waits.own" : "admin.waits.other")}</Note>}
      {usage.data && <p className="text-sm text-quiet">{t("admin.usage", { sessions: usage.data.sessions, keys: usage.data.api_keys, entries: usage.data.audit_entries })}</p>}
      <Segments label={t("admin.role")} value={role} onChange={setRole} grow options={(["viewer", "user", "admin"] as const).map((each) => [each, named("role", each)])} />
      <Toggle label={t("admin.paper")} on={permissions.paper} onChange={(paper) => set({ paper })} />
      <Toggle label={t("admin.real")} on={permissions.real} onChange={(real) => set({ real })} />
      <Toggle label={t("admin.premium")} on={permissions.premium} onChange={(premium) => set({ premium })} />
      <Select name="calls_per_minute_max" label={t("admin.calls")} value={String(permissions.calls_per_minute_max)} onText={(text) => set({ calls_per_minute_max: Number(text) as Permissions["calls_per_minute_max"] })} options={CALLS.map((each) => [each, each])} />
      <Input name="daily_trades_max" label={t("admin.trades")} inputMode="decimal" value={permissions.daily_trades_max === null ? "" : String(permissions.daily_trades_max)} onText={(text) => set({ daily_trades_max: text.trim() ? Number(text) : null })} />
      <div className="flex justify-between gap-2">
        <Button busy={turn.isPending} onClick={() => turn.mutate()}>{t(locked ? "admin.unlock" : "admin.lock")}</Button>
        <Button type="submit" look="main" busy={save.isPending}>{t("app.save")}</Button>
      </div>
    </Form>
  );
}
