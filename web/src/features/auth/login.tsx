/** Logging in: with a password and, when one is due, a code or a passkey; or with a passkey alone. */
import { useMutation } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { accept, api, got, type Schemas } from "@/api/client";
import { asProblem } from "@/api/problem";
import { presentPasskey } from "@/lib/passkeys";
import { useWords } from "@/lib/words";
import { Button, Note } from "@/ui/basics";
import { Form, Input } from "@/ui/form";
import { AuthFrame, Or } from "./frame";
import { SocialButtons } from "./social";

async function byPasskey(): Promise<Schemas["Tokens"]> {
  const { public_key } = await got(api.POST("/api/v1/auth/passkeys/login/options"));
  const credential = await presentPasskey(public_key);
  return got(api.POST("/api/v1/auth/passkeys/login/verify", { body: { credential } }));
}

/** The form alone, for the page and for the dialog over a page whose session has ended. */
export function LoginForm({ email: known = "", onDone }: { email?: string; onDone: () => void }) {
  const { t } = useWords();
  const [email, setEmail] = useState(known);
  const [password, setPassword] = useState("");
  const [otp, setOtp] = useState("");
  const [asked, setAsked] = useState(false);
  const enter = (tokens: Schemas["Tokens"]): void => {
    accept(tokens);
    onDone();
  };
  const login = useMutation({
    mutationFn: () => got(api.POST("/api/v1/auth/login", { body: { email: email.trim(), password, otp: otp.trim() || null } })),
    onSuccess: enter,
    onError: (error) => asProblem(error).code === "otp_required" && setAsked(true),
  });
  const passkey = useMutation({ mutationFn: byPasskey, onSuccess: enter });
  const onlyAsks = asked && !otp && asProblem(login.error).code === "otp_required";
  return (
    <div className="grid gap-4">
      <Form onSubmit={() => login.mutate()} error={onlyAsks ? null : login.error} label={t("auth.login")}>
        <Input name="email" label={t("auth.email")} type="email" autoComplete="username webauthn" value={email} onText={setEmail} required />
        <Input name="password" label={t("auth.password")} type="password" autoComplete="current-password" value={password} onText={setPassword} required />
        {asked && (
          <>
            <Note tone="accent">{t("auth.otp.why")}</Note>
            {/* It appears because it was asked for, and is what comes next. */}
            {/* eslint-disable-next-line jsx-a11y/no-autofocus */}
            <Input name="otp" label={t("auth.otp")} autoComplete="one-time-code" value={otp} onText={setOtp} autoFocus />
          </>
        )}
        <Button type="submit" look="main" size="large" busy={login.isPending}>{t("auth.login")}</Button>
      </Form>
      <Or />
      {"credentials" in navigator && (
        <>
          <Button onClick={() => passkey.mutate()} busy={passkey.isPending}>{t("auth.passkey")}</Button>
          {passkey.error && <Note tone="bad" role="alert">{t("auth.passkey.failed")}</Note>}
        </>
      )}
      <SocialButtons />
    </div>
  );
}

export function Login() {
  const { t } = useWords();
  const navigate = useNavigate();
  return (
    <AuthFrame title={t("auth.login")}>
      <LoginForm onDone={() => void navigate({ to: "/" })} />
      <p className="mt-5 flex flex-wrap justify-between gap-2 text-sm">
        <Link to="/signup" className="text-accent underline">{t("auth.toSignup")}</Link>
        <Link to="/forgot" className="text-accent underline">{t("auth.forgot")}</Link>
      </p>
    </AuthFrame>
  );
}
