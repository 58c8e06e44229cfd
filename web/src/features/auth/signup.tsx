/** Signing up, which logs in at once: everything works on paper from the first minute. */
import { useMutation } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { accept, api, got } from "@/api/client";
import { tellLanguage } from "@/lib/language";
import { preferences } from "@/lib/preferences";
import { useWords } from "@/lib/words";
import { Button } from "@/ui/basics";
import { Form, Input } from "@/ui/form";
import { AuthFrame } from "./frame";
import { Elsewhere } from "./social";

export function Signup() {
  const { t } = useWords();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const signup = useMutation({
    mutationFn: async () => {
      const credentials = { email: email.trim(), password };
      await got(api.POST("/api/v1/auth/register", { body: { ...credentials, name: name.trim() } }));
      accept(await got(api.POST("/api/v1/auth/login", { body: credentials })));
      // What the person reads here is what mails and notices are written in.
      const { language } = preferences();
      const time_zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
      await tellLanguage({ language, time_zone }, language).catch(() => undefined);
    },
    onSuccess: () => navigate({ to: "/" }),
  });
  return (
    <AuthFrame title={t("auth.signup")}>
      <Form onSubmit={() => signup.mutate()} error={signup.error} label={t("auth.signup")}>
        <Input name="name" label={t("auth.name")} autoComplete="name" value={name} onText={setName} required />
        <Input name="email" label={t("auth.email")} type="email" autoComplete="email" value={email} onText={setEmail} required />
        <Input name="password" label={t("auth.password")} type="password" autoComplete="new-password" hint={t("auth.password.hint")} value={password} onText={setPassword} required />
        <Button type="submit" look="main" size="large" busy={signup.isPending}>{t("auth.signup.do")}</Button>
      </Form>
      <Elsewhere />
      <p className="mt-5 text-sm"><Link to="/login" className="text-accent underline">{t("auth.toLogin")}</Link></p>
    </AuthFrame>
  );
}
