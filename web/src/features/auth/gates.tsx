/** Dialogs that stand between a person and what they were doing: a fresh proof, and a session that has ended. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { accept, api, got, onStepUp } from "@/api/client";
import { asProblem } from "@/api/problem";
import { profile } from "@/api/queries";
import { forget, useSession } from "@/api/session";
import { presentPasskey } from "@/lib/passkeys";
import { useWords } from "@/lib/words";
import { Button, Note } from "@/ui/basics";
import { Dialog } from "@/ui/dialog";
import { Form, Input } from "@/ui/form";
import { LoginForm } from "./login";

/** Asked for by the API client when a route wants fresh authentication; the refused request then goes on by itself. */
export function StepUpGate() {
  const { t } = useWords();
  const [open, setOpen] = useState(false);
  const [password, setPassword] = useState("");
  const [otp, setOtp] = useState("");
  const [asked, setAsked] = useState(false);
  const settle = useRef<((proven: boolean) => void) | null>(null);
  useEffect(
    () =>
      onStepUp(
        () =>
          new Promise((resolve) => {
            settle.current = resolve;
            setOpen(true);
          }),
      ),
    [],
  );
  const end = (proven: boolean): void => {
    settle.current?.(proven);
    settle.current = null;
    setOpen(false);
    setPassword("");
    setOtp("");
    setAsked(false);
  };
  const prove = useMutation({
    mutationFn: () => got(api.POST("/api/v1/auth/step-up", { body: { password, otp: otp.trim() || null } })),
    onSuccess: (tokens) => {
      accept(tokens);
      end(true);
    },
    onError: (error) => asProblem(error).code === "otp_required" && setAsked(true),
  });
  const passkey = useMutation({
    mutationFn: async () => {
      const { public_key } = await got(api.POST("/api/v1/auth/passkeys/step-up/options"));
      const credential = await presentPasskey(public_key);
      return got(api.POST("/api/v1/auth/passkeys/step-up/verify", { body: { credential } }));
    },
    onSuccess: (tokens) => {
      accept(tokens);
      end(true);
    },
  });
  const onlyAsks = asked && !otp && asProblem(prove.error).code === "otp_required";
  return (
    <Dialog open={open} onClose={() => end(false)} title={t("auth.stepup.title")}>
      <p className="mb-4 text-quiet">{t("auth.stepup.why")}</p>
      <Form onSubmit={() => prove.mutate()} error={onlyAsks ? null : prove.error}>
        <Input name="password" label={t("auth.password")} type="password" autoComplete="current-password" value={password} onText={setPassword} />
        {asked && <Input name="otp" label={t("auth.otp")} autoComplete="one-time-code" value={otp} onText={setOtp} />}
        <Button type="submit" look="main" busy={prove.isPending}>{t("auth.stepup.do")}</Button>
        <Button look="quiet" onClick={() => passkey.mutate()} busy={passkey.isPending}>{t("auth.passkey.second")}</Button>
        {passkey.error && <Note tone="bad" role="alert">{t("auth.passkey.failed")}</Note>}
      </Form>
    </Dialog>
  );
}

/** The page below stays as it is, half-written order included; whoever logs in again finds it so. */
export function SessionOver() {
  const { t } = useWords();
  const { standing } = useSession();
  const who = useQuery({ ...profile, enabled: false });
  return (
    <Dialog open={standing === "over"} onClose={() => undefined} title={t("auth.over.title")} firm>
      <p className="mb-4 text-quiet">{t("auth.over.why")}</p>
      <LoginForm email={who.data?.email ?? ""} onDone={() => undefined} />
      <Button look="quiet" className="mt-3 w-full" onClick={forget}>{t("auth.over.other")}</Button>
    </Dialog>
  );
}
