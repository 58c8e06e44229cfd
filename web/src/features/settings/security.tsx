/** The ways to log in: the password, a second factor, passkeys, and other providers. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { encode } from "uqr";
import { api, got, type Schemas } from "@/api/client";
import { dateTime } from "@/lib/format";
import { ProviderMark } from "@/features/auth/social";
import { makePasskey } from "@/lib/passkeys";
import { useWords } from "@/lib/words";
import { Badge, Button, Card, Empty, Note } from "@/ui/basics";
import { Form, Input } from "@/ui/form";
import { toast, toastProblem } from "@/ui/toasts";

export function Security() {
  return (
    <div className="grid gap-4 lg:grid-cols-2">
      <PasswordPart />
      <Totp />
      <Passkeys />
      <Identities />
    </div>
  );
}

function PasswordPart() {
  const { t } = useWords();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const change = useMutation({
    mutationFn: () => got(api.POST("/api/v1/auth/password/change", { body: { current_password: current, new_password: next } })),
    onSuccess: ({ sessions_ended }) => {
      toast(t("settings.password.changed", { count: sessions_ended }), "good");
      setCurrent("");
      setNext("");
    },
  });
  return (
    <Card title={t("settings.password")} className="self-start">
      <Form onSubmit={() => change.mutate()} error={change.error} label={t("settings.password")}>
        <Input name="current_password" label={t("auth.password.current")} type="password" autoComplete="current-password" value={current} onText={setCurrent} />
        <Input name="new_password" label={t("auth.password.new")} type="password" autoComplete="new-password" value={next} onText={setNext} hint={t("auth.password.hint")} />
        <Button type="submit" look="main" className="w-fit" busy={change.isPending}>{t("settings.password")}</Button>
      </Form>
    </Card>
  );
}

/** Drawn here, square by square: an image from elsewhere would learn the secret. */
function QrCode({ text }: { text: string }) {
  const { data, size } = encode(text);
  const path = data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join("");
  return <svg viewBox={`-2 -2 ${size + 4} ${size + 4}`} role="img" aria-label="QR" className="size-48 rounded-lg bg-white"><path d={path} fill="#000" /></svg>;
}

function Totp() {
  const { t } = useWords();
  const queries = useQueryClient();
  const [code, setCode] = useState("");
  const [codes, setCodes] = useState<readonly string[]>([]);
  const factors = useQuery({ queryKey: ["2fa"], queryFn: () => got(api.GET("/api/v1/auth/2fa")) });
  const reread = () => queries.invalidateQueries({ queryKey: ["2fa"] });
  const enroll = useMutation({ mutationFn: () => got(api.POST("/api/v1/auth/2fa/enroll")), onError: toastProblem });
  const activate = useMutation({
    mutationFn: () => got(api.POST("/api/v1/auth/2fa/activate", { body: { code: code.trim() } })),
    onSuccess: ({ recovery_codes }) => {
      setCodes(recovery_codes);
      setCode("");
      enroll.reset();
      return reread();
    },
  });
  const disable = useMutation({
    mutationFn: () => got(api.POST("/api/v1/auth/2fa/disable", { body: { code: code.trim() } })),
    onSuccess: () => {
      setCode("");
      setCodes([]);
      return reread();
    },
  });
  const on = factors.data?.authenticator;
  return (
    <Card title={<span className="flex items-center gap-2">{t("settings.totp")} {on && <Badge tone="good">{t("settings.totp.on")}</Badge>}</span>} className="self-start">
      {codes.length > 0 && <RecoveryCodes codes={codes} />}
      {!on && !enroll.data && <><p className="mb-3 text-quiet">{t("settings.totp.off")}</p><Button look="main" busy={enroll.isPending} onClick={() => enroll.mutate()}>{t("settings.totp.enable")}</Button></>}
      {enroll.data && (
        <Form onSubmit={() => activate.mutate()} error={activate.error}>
          <p>{t("settings.totp.scan")}</p>
          <QrCode text={enroll.data.otpauth_uri} />
          <code className="break-all" data-secret>{enroll.data.secret}</code>
          <Input name="code" label={t("settings.totp.code")} inputMode="numeric" autoComplete="one-time-code" value={code} onText={setCode} />
          <Button type="submit" look="main" className="w-fit" busy={activate.isPending}>{t("settings.totp.enable")}</Button>
        </Form>
      )}
      {on && (
        <Form onSubmit={() => disable.mutate()} error={disable.error}>
          <Input name="code" label={t("auth.otp")} autoComplete="one-time-code" value={code} onText={setCode} />
          <Button type="submit" className="w-fit" busy={disable.isPending}>{t("settings.totp.disable")}</Button>
        </Form>
      )}
    </Card>
  );
}

function RecoveryCodes({ codes }: { codes: readonly string[] }) {
  const { t } = useWords();
  return (
    <div className="mb-4">
      <Note tone="warn">
        <strong className="block">{t("settings.recovery")}</strong>
        {t("settings.recovery.hint")}
        <ul className="mt-2 grid grid-cols-2 gap-1 font-mono">{codes.map((each) => <li key={each}>{each}</li>)}</ul>
      </Note>
    </div>
  );
}

function Passkeys() {
  const { t, language } = useWords();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const { data } = useQuery({ queryKey: ["passkeys"], queryFn: () => got(api.GET("/api/v1/auth/passkeys")) });
  const reread = () => queries.invalidateQueries({ queryKey: ["passkeys"] });
  const add = useMutation({
    mutationFn: async () => {
      const { public_key } = await got(api.POST("/api/v1/auth/passkeys/register/options"));
      const credential = await makePasskey(public_key).catch(() => {
        throw new Error("refused");
      });
      return got(api.POST("/api/v1/auth/passkeys/register/verify", { body: { name: name.trim(), credential } }));
    },
    onSuccess: () => {
      setName("");
      return reread();
    },
  });
  const drop = useMutation({ mutationFn: (id: string) => got(api.DELETE("/api/v1/auth/passkeys/{passkey_id}", { params: { path: { passkey_id: id } } })), onSuccess: reread, onError: toastProblem });
  const canceled = add.error?.message === "refused";
  return (
    <Card title={t("settings.passkeys")} className="self-start">
      {data?.items.length === 0 && <p className="mb-3 text-quiet">{t("settings.passkeys.none")}</p>}
      <ul className="mb-4 grid gap-2">
        {data?.items.map((each) => (
          <li key={each.id} className="flex items-center justify-between gap-2">
            <span><strong>{each.name}</strong> {each.used_at && <span className="text-sm text-quiet">{t("settings.passkeys.used", { at: dateTime(language, each.used_at) })}</span>}</span>
            <Button size="small" look="quiet" onClick={() => drop.mutate(each.id)} aria-label={`${t("app.delete")} ${each.name}`}>✕</Button>
          </li>
        ))}
      </ul>
      <Form onSubmit={() => add.mutate()} error={canceled ? null : add.error}>
        <Input name="name" label={t("settings.passkeys.name")} value={name} onText={setName} />
        {canceled && <Note tone="bad" role="alert">{t("auth.passkey.failed")}</Note>}
        <Button type="submit" className="w-fit" busy={add.isPending}>{t("settings.passkeys.add")}</Button>
      </Form>
    </Card>
  );
}

function Identities() {
  const { t, named } = useWords();
  const queries = useQueryClient();
  const { data } = useQuery({ queryKey: ["identities"], queryFn: () => got(api.GET("/api/v1/auth/oauth/identities")) });
  const link = useMutation({
    mutationFn: (provider: string) => got(api.POST("/api/v1/auth/oauth/{provider}/link", { params: { path: { provider } } })),
    onSuccess: ({ authorization_url }: Schemas["Begun"]) => location.assign(authorization_url),
    onError: toastProblem,
  });
  const drop = useMutation({
    mutationFn: (id: string) => got(api.DELETE("/api/v1/auth/oauth/identities/{identity_id}", { params: { path: { identity_id: id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["identities"] }),
    onError: toastProblem,
  });
  const linked = new Set(data?.items.map((each) => each.provider));
  return (
    <Card title={t("settings.identities")} className="self-start">
      {data?.providers.length === 0 && <Empty>{t("settings.identities.none")}</Empty>}
      <ul className="grid gap-2">
        {data?.items.map((each) => (
          <li key={each.id} className="flex items-center justify-between gap-2">
            <span className="flex items-center gap-2"><ProviderMark provider={each.provider} /> <strong>{named("provider", each.provider)}</strong> <span className="text-sm text-quiet">{each.email}</span></span>
            <Button size="small" look="quiet" onClick={() => drop.mutate(each.id)} aria-label={`${t("app.delete")} ${each.provider}`}>✕</Button>
          </li>
        ))}
        {data?.providers.filter((each) => !linked.has(each)).map((each) => (
          <li key={each}><Button busy={link.isPending} onClick={() => link.mutate(each)}><ProviderMark provider={each} /> {t("settings.identities.link", { provider: named("provider", each) })}</Button></li>
        ))}
      </ul>
    </Card>
  );
}
