/** The ways out of the app: each is added, confirmed where it must be, tried, and switched off again. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { useWords } from "@/lib/words";
import { Badge, Button, Card, Empty, Note, type Tone } from "@/ui/basics";
import { Form, Input, Select } from "@/ui/form";
import { toast, toastProblem } from "@/ui/toasts";
import { ChannelChoices } from "./choices";
import { PreferencesForm } from "./delivery";
import { PushRefused, subscribePush } from "./push";

type Kind = Schemas["ChannelShown"]["kind"];
type Wish = Schemas["EmailWish"] | Schemas["TelegramWish"] | Schemas["SlackWish"] | Schemas["DiscordWish"] | Schemas["WebhookWish"] | Schemas["WebPushWish"];
const TONE: Record<Schemas["ChannelShown"]["status"], Tone> = { active: "good", pending: "warn", disabled: "plain", broken: "bad" };

export function Channels() {
  const { t } = useWords();
  const { data } = useQuery({ queryKey: ["channels"], queryFn: () => got(api.GET("/api/v1/notifications/channels")) });
  return (
    <div className="grid gap-4 lg:grid-cols-[20rem_1fr]">
      <div className="grid content-start gap-4"><NewChannel /><PreferencesForm /></div>
      <div className="grid content-start gap-3">
        {data?.length === 0 && <Card><Empty>{t("channels.empty")}</Empty></Card>}
        {data?.map((each) => <Channel key={each.id} channel={each} />)}
      </div>
    </div>
  );
}

function NewChannel() {
  const { t, named } = useWords();
  const queries = useQueryClient();
  const offered = useQuery({ queryKey: ["offered"], queryFn: () => got(api.GET("/api/v1/notifications/channels/offered")), staleTime: Number.POSITIVE_INFINITY });
  const kinds = offered.data?.kinds ?? [];
  const [picked, setPicked] = useState<Kind | null>(null);
  const kind = picked ?? (kinds.includes("email") ? "email" : kinds[0]) ?? "web_push";
  const [name, setName] = useState("");
  const [address, setAddress] = useState("");
  const add = useMutation({
    mutationFn: async () => {
      const named_ = name.trim() || named("channel", kind);
      return got(api.POST("/api/v1/notifications/channels", { body: await wishOf(kind, named_, address.trim(), offered.data?.web_push_key ?? "") }));
    },
    onSuccess: () => {
      setAddress("");
      return queries.invalidateQueries({ queryKey: ["channels"] });
    },
  });
  const refused = add.error instanceof PushRefused ? add.error : null;
  const asksAddress = kind === "email" || kind === "slack" || kind === "discord" || kind === "webhook";
  return (
    <Card title={t("channels.add")} className="self-start">
      <Form onSubmit={() => add.mutate()} error={refused ? null : add.error} label={t("channels.add")}>
        <Select name="kind" label={t("channels.kind")} value={kind} onText={(text) => setPicked(text as Kind)} options={kinds.filter((each) => each !== "kakao").map((each) => [each, named("channel", each)])} />
        <Input name="name" label={<>{t("app.name")} {t("app.optional")}</>} value={name} onText={setName} />
        {asksAddress && <Input name={kind === "email" ? "address" : "url"} label={kind === "email" ? t("auth.email") : t("channels.address")} type={kind === "email" ? "email" : "url"} value={address} onText={setAddress} />}
        {refused && <Note tone="bad" role="alert">{t(refused.reason === "denied" ? "channels.push.denied" : "channels.push.none")}</Note>}
        <Button type="submit" look="main" busy={add.isPending}>{t(kind === "web_push" ? "channels.push.on" : "channels.add")}</Button>
      </Form>
      {add.data?.signing_secret && <Note tone="warn"><strong className="block">{t("channels.secret")}</strong><code className="break-all">{add.data.signing_secret}</code></Note>}
      {add.data?.start_command && <Note tone="accent"><strong className="block">{t("channels.start")}</strong><code className="break-all">{add.data.start_command}</code></Note>}
    </Card>
  );
}

async function wishOf(kind: Kind, name: string, address: string, key: string): Promise<Wish> {
  switch (kind) {
    case "email":
      return { kind, name, address };
    case "slack":
    case "discord":
    case "webhook":
      return { kind, name, url: address };
    case "web_push":
      return { kind, name, ...(await subscribePush(key)) };
    default:
      return { kind: "telegram", name };
  }
}

function Channel({ channel }: { channel: Schemas["ChannelShown"] }) {
  const { t, named } = useWords();
  const queries = useQueryClient();
  const path = { channel_id: channel.id };
  const [code, setCode] = useState("");
  const reread = () => queries.invalidateQueries({ queryKey: ["channels"] });
  const act = useMutation({
    mutationFn: async (what: "test" | "toggle" | "drop") => {
      if (what === "test") await got(api.POST("/api/v1/notifications/channels/{channel_id}/test", { params: { path } }));
      if (what === "toggle") await got(api.PATCH("/api/v1/notifications/channels/{channel_id}", { params: { path }, body: { enabled: channel.status === "disabled" } }));
      if (what === "drop") await got(api.DELETE("/api/v1/notifications/channels/{channel_id}", { params: { path } }));
      return what;
    },
    onSuccess: (what) => {
      if (what === "test") toast(t("channels.tested"), "good");
      return reread();
    },
    onError: toastProblem,
  });
  const confirm = useMutation({ mutationFn: () => got(api.POST("/api/v1/notifications/channels/{channel_id}/confirm", { params: { path }, body: { code: code.trim() } })), onSuccess: reread });
  return (
    <Card title={<span className="flex flex-wrap items-center gap-2">{channel.name} <Badge>{named("channel", channel.kind)}</Badge> <Badge tone={TONE[channel.status]}>{named("channel", channel.status)}</Badge></span>}
      actions={<Button size="small" look="quiet" onClick={() => act.mutate("drop")} aria-label={`${t("app.delete")} ${channel.name}`}>✕</Button>}>
      <p className="mb-3 text-sm text-quiet">{channel.shown}</p>
      {channel.trouble && <Note tone="bad">{channel.trouble}</Note>}
      {channel.status === "pending" ? (
        <Form onSubmit={() => confirm.mutate()} error={confirm.error}>
          <Input name="code" label={t("channels.confirm")} value={code} onText={setCode} autoComplete="one-time-code" />
          <Button type="submit" size="small" className="w-fit" busy={confirm.isPending}>{t("channels.confirm.do")}</Button>
        </Form>
      ) : (
        <div className="flex gap-2">
          <Button size="small" busy={act.isPending} disabled={channel.status !== "active"} onClick={() => act.mutate("test")}>{t("channels.test")}</Button>
          <Button size="small" busy={act.isPending} onClick={() => act.mutate("toggle")}>{t(channel.status === "disabled" ? "settings.totp.enable" : "settings.totp.disable")}</Button>
        </div>
      )}
      <ChannelChoices channel={channel} />
    </Card>
  );
}
