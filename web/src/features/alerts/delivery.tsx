/** When notices may come, and what became of each that was sent. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { dateTime } from "@/lib/format";
import { useWords } from "@/lib/words";
import { Badge, Button, Card, Empty, Loading, type Tone } from "@/ui/basics";
import { Form, Input, Select } from "@/ui/form";
import { Table } from "@/ui/table";
import { toast, toastProblem } from "@/ui/toasts";

type Preferences = Schemas["PreferencesShown"];
const TONE: Record<Schemas["DeliveryShown"]["status"], Tone> = { waiting: "accent", sent: "good", dead: "bad", dropped: "plain" };

export function PreferencesForm() {
  const { data } = useQuery({ queryKey: ["preferences"], queryFn: () => got(api.GET("/api/v1/notifications/preferences")) });
  return data ? <Fields key={JSON.stringify(data)} saved={data} /> : <Loading />;
}

function Fields({ saved }: { saved: Preferences }) {
  const { t } = useWords();
  const queries = useQueryClient();
  const [form, setForm] = useState(saved);
  const set = (changes: Partial<Preferences>): void => setForm((before) => ({ ...before, ...changes }));
  const keep = useMutation({
    mutationFn: () => got(api.PUT("/api/v1/notifications/preferences", { body: form })),
    onSuccess: () => {
      toast(t("app.saved"), "good");
      return queries.invalidateQueries({ queryKey: ["preferences"] });
    },
  });
  return (
    <Card title={t("alerts.preferences")}>
      <Form onSubmit={() => keep.mutate()} error={keep.error} label={t("alerts.preferences")}>
        <Select name="language" label={t("settings.language")} value={form.language} onText={(text) => set({ language: text as Preferences["language"] })} options={[["ko", "한국어"], ["en", "English"]]} />
        <Input name="time_zone" label={t("prefs.zone")} value={form.time_zone} onText={(time_zone) => set({ time_zone })} />
        <div className="grid grid-cols-2 gap-3">
          <Input name="quiet_from" label={t("prefs.quietFrom")} type="time" value={form.quiet_from?.slice(0, 5) ?? ""} onText={(text) => set({ quiet_from: text || null })} />
          <Input name="quiet_to" label={t("prefs.quietTo")} type="time" value={form.quiet_to?.slice(0, 5) ?? ""} onText={(text) => set({ quiet_to: text || null })} hint={t("prefs.quiet.hint")} />
        </div>
        <Input name="digest_at" label={t("prefs.digest")} type="time" value={form.digest_at.slice(0, 5)} onText={(digest_at) => set({ digest_at })} />
        <Button type="submit" look="main" busy={keep.isPending}>{t("app.save")}</Button>
      </Form>
    </Card>
  );
}

export function Deliveries() {
  const { t, language, named } = useWords();
  const queries = useQueryClient();
  const { data } = useQuery({ queryKey: ["deliveries"], queryFn: () => got(api.GET("/api/v1/notifications/deliveries", { params: { query: { limit: 100 } } })) });
  const channels = useQuery({ queryKey: ["channels"], queryFn: () => got(api.GET("/api/v1/notifications/channels")) });
  const channelOf = (id: string): string => {
    const channel = channels.data?.find((each) => each.id === id);
    return channel ? named("channel", channel.kind) : "–";
  };
  const replay = useMutation({
    mutationFn: (id: string) => got(api.POST("/api/v1/notifications/deliveries/{delivery_id}/replay", { params: { path: { delivery_id: id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["deliveries"] }),
    onError: toastProblem,
  });
  if (!data) return <Loading />;
  return (
    <Card flush>
      <Table label={t("alerts.deliveries")} rows={data.items} keyOf={(each) => each.id} empty={<Empty>{t("delivery.empty")}</Empty>} columns={[
        { key: "time", head: t("order.time"), cell: (each) => <span className="num text-quiet">{dateTime(language, each.created_at)}</span> },
        { key: "channel", head: t("channels.kind"), cell: (each) => channelOf(each.channel_id) },
        { key: "title", head: t("notices.title"), cell: (each) => each.title },
        { key: "status", head: t("order.status"), cell: (each) => <Badge tone={TONE[each.status]}>{named("delivery", each.status)}</Badge> },
        { key: "error", head: "", wide: true, cell: (each) => <span className="text-sm text-quiet">{each.error}</span> },
        { key: "replay", head: "", right: true, cell: (each) => each.status === "dead" && <Button size="small" onClick={() => replay.mutate(each.id)}>{t("delivery.replay")}</Button> },
      ]} />
    </Card>
  );
}
