/** The pages that mails and other log-ins lead to. Their secrets stand behind `#`, and leave the address bar at once. */
import { useMutation } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { accept, api, got } from "@/api/client";
import { asProblem, explain } from "@/api/problem";
import { useWords, type Word } from "@/lib/words";
import { Button, Note } from "@/ui/basics";
import { Form, Input } from "@/ui/form";
import { AuthFrame } from "./frame";

/** The value behind `#name=`, read once and wiped from the address. */
function useSecret(name: string): string {
  const [secret] = useState(() => new URLSearchParams(location.hash.slice(1)).get(name) ?? "");
  useEffect(() => history.replaceState(null, "", location.pathname), []);
  return secret;
}

const Back = () => {
  const { t } = useWords();
  return <p className="mt-5 text-sm"><Link to="/login" className="text-accent underline">{t("auth.login")}</Link></p>;
};

export function Forgot() {
  const { t } = useWords();
  const [email, setEmail] = useState("");
  const send = useMutation({ mutationFn: () => got(api.POST("/api/v1/auth/password/forgot", { body: { email: email.trim() } })) });
  return (
    <AuthFrame title={t("auth.reset")}>
      {send.isSuccess ? <Note tone="good" role="status">{t("auth.forgot.sent")}</Note> : (
        <Form onSubmit={() => send.mutate()} error={send.error}>
          <Input name="email" label={t("auth.email")} type="email" autoComplete="email" value={email} onText={setEmail} />
          <Button type="submit" look="main" size="large" busy={send.isPending}>{t("auth.forgot.send")}</Button>
        </Form>
      )}
      <Back />
    </AuthFrame>
  );
}

/** What a page says that was opened without the secret it is about. */
function Incomplete({ title, word }: { title: Word; word: Word }) {
  const { t } = useWords();
  return <AuthFrame title={t(title)}><Note tone="bad" role="alert">{t(word)}</Note><Back /></AuthFrame>;
}

export function ResetPassword() {
  const { t } = useWords();
  const token = useSecret("token");
  const [password, setPassword] = useState("");
  const reset = useMutation({ mutationFn: () => got(api.POST("/api/v1/auth/password/reset", { body: { token, password } })) });
  if (!token) return <Incomplete title="auth.reset" word="auth.link.incomplete" />;
  return (
    <AuthFrame title={t("auth.reset")}>
      {reset.isSuccess ? <Note tone="good" role="status">{t("auth.reset.done")}</Note> : (
        <Form onSubmit={() => reset.mutate()} error={reset.error}>
          <Input name="password" label={t("auth.password.new")} type="password" autoComplete="new-password" hint={t("auth.password.hint")} value={password} onText={setPassword} />
          <Button type="submit" look="main" size="large" busy={reset.isPending}>{t("auth.reset")}</Button>
        </Form>
      )}
      <Back />
    </AuthFrame>
  );
}

/** Does something once when the page opens, however often React draws it. */
function useOnce(work: () => unknown): void {
  const done = useRef(false);
  useEffect(() => {
    if (done.current) return;
    done.current = true;
    work();
  });
}

export function VerifyEmail() {
  const { t } = useWords();
  const token = useSecret("token");
  const verify = useMutation({ mutationFn: () => got(api.POST("/api/v1/auth/email/verify", { body: { token } })) });
  useOnce(() => token && verify.mutate());
  if (!token) return <Incomplete title="auth.verify" word="auth.link.incomplete" />;
  return (
    <AuthFrame title={t("auth.verify")}>
      {verify.isSuccess ? <Note tone="good" role="status">{t("auth.verify.ok")}</Note>
        : verify.error ? <Note tone="bad" role="alert">{explain(verify.error)}</Note>
        : <p role="status">{t("auth.verify.working")}</p>}
      <Back />
    </AuthFrame>
  );
}

/** Back from another provider, with a ticket that is worth a session in this browser alone. */
export function SignedIn() {
  const { t } = useWords();
  const ticket = useSecret("ticket");
  const navigate = useNavigate();
  const [otp, setOtp] = useState("");
  const finish = useMutation({
    mutationFn: () => got(api.POST("/api/v1/auth/oauth/finish", { body: { ticket, otp: otp || null } })),
    onSuccess: (tokens) => {
      accept(tokens);
      return navigate({ to: "/" });
    },
  });
  useOnce(() => ticket && finish.mutate());
  if (!ticket) return <Incomplete title="auth.login" word="auth.finish.none" />;
  const wantsCode = ["otp_required", "otp_wrong"].includes(asProblem(finish.error).code);
  return (
    <AuthFrame title={t("auth.login")}>
      {finish.isPending && <p role="status">{t("auth.finishing")}</p>}
      {finish.error && !wantsCode && <Note tone="bad" role="alert">{explain(finish.error)}</Note>}
      {wantsCode && (
        <Form onSubmit={() => finish.mutate()} error={otp ? finish.error : null}>
          <Input name="otp" label={t("auth.otp")} autoComplete="one-time-code" value={otp} onText={setOtp} />
          <Button type="submit" look="main">{t("auth.stepup.do")}</Button>
        </Form>
      )}
      <Back />
    </AuthFrame>
  );
}
