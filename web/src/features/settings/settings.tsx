/** Everything about oneself: how it looks, how one logs in, who and what else may, and one's data. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams, useRouterState } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { profile, settings } from "@/api/queries";
import { tellLanguage } from "@/lib/language";
import { type Colours, type Language, prefer, type Theme, usePreferences } from "@/lib/preferences";
import { useWords } from "@/lib/words";
import { Button, Card, Loading, PageTitle } from "@/ui/basics";
import { Form, Input, Segments, Select } from "@/ui/form";
import { Tabs } from "@/ui/tabs";
import { toast } from "@/ui/toasts";
import { ApiKeys } from "./api-keys";
import { DataPart } from "./data";
import { Lending } from "./lending";
import { Security } from "./security";
import { Sessions } from "./sessions";

/** Back from linking another log-in: the address says which, and is cleaned. */
function useLinked(): void {
  const { t, named } = useWords();
  const navigate = useNavigate();
  const linked = useRouterState({ select: (state) => /^linked=([a-z0-9-]{1,32})$/.exec(state.location.hash)?.[1] });
  useEffect(() => {
    if (!linked) return;
    toast(t("settings.identities.linked", { provider: named("provider", linked) }), "good");
    void navigate({ to: "/settings/$section", params: { section: "security" }, replace: true });
    // The words may change while the toast is up; what was linked does not.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [linked]);
}

export function SettingsPage() {
  const { t } = useWords();
  useLinked();
  const { section = "profile" } = useParams({ strict: false });
  const navigate = useNavigate();
  return (
    <>
      <PageTitle>{t("nav.settings")}</PageTitle>
      <Tabs label={t("nav.settings")} value={section} onChange={(key) => void navigate({ to: "/settings/$section", params: { section: key } })} tabs={[
        { key: "profile", name: t("settings.profile"), body: <ProfilePart /> },
        { key: "security", name: t("settings.security"), body: <Security /> },
        { key: "sessions", name: t("settings.sessions"), body: <Sessions /> },
        { key: "keys", name: t("settings.keys"), body: <ApiKeys /> },
        { key: "lending", name: t("settings.lending"), body: <Lending /> },
        { key: "data", name: t("settings.data"), body: <DataPart /> },
      ]} />
    </>
  );
}

function ProfilePart() {
  const { data } = useQuery(profile);
  return (
    <div className="grid gap-4 lg:grid-cols-2">
      {data ? <ProfileForm key={data.id} saved={data} /> : <Loading />}
      <Display />
    </div>
  );
}

const ZONES = ["Asia/Seoul", "America/New_York", "America/Los_Angeles", "Europe/London", "UTC"];

function ProfileForm({ saved }: { saved: Schemas["ProfileShown"] }) {
  const { t } = useWords();
  const queries = useQueryClient();
  const [name, setName] = useState(saved.name);
  const [zone, setZone] = useState(saved.time_zone);
  const { language } = usePreferences();
  const save = useMutation({
    mutationFn: () => got(api.PUT("/api/v1/users/profile", { body: { name: name.trim(), language, time_zone: zone } })),
    onSuccess: () => {
      toast(t("app.saved"), "good");
      return queries.invalidateQueries({ queryKey: ["profile"] });
    },
  });
  const zones = [...new Set([saved.time_zone, ...ZONES])];
  return (
    <Card title={t("settings.profile")} className="self-start">
      <Form onSubmit={() => save.mutate()} error={save.error} label={t("settings.profile")}>
        <Input name="name" label={t("auth.name")} value={name} onText={setName} />
        <Input name="email" label={t("auth.email")} value={saved.email} readOnly />
        <Select name="time_zone" label={t("settings.timezone")} value={zone} onText={setZone} options={zones.map((each) => [each, each])} />
        <Button type="submit" look="main" className="w-fit" busy={save.isPending}>{t("app.save")}</Button>
      </Form>
    </Card>
  );
}

function Display() {
  const { t } = useWords();
  const { language, theme, colours } = usePreferences();
  const queries = useQueryClient();
  const told = useQuery(settings);
  // Language and theme go along to other devices; how moves are coloured stays with this one.
  const tell = useMutation({
    mutationFn: (changes: { language?: Language; theme?: Theme }) => tellLanguage({ ...(told.data as Schemas["Settings"]), ...changes }, changes.language ?? language),
    onSuccess: () => Promise.all([["settings"], ["profile"]].map((queryKey) => queries.invalidateQueries({ queryKey }))),
  });
  const choose = (changes: { language?: Language; theme?: Theme }): void => {
    prefer(changes);
    if (told.data) tell.mutate(changes);
  };
  return (
    <Card title={t("settings.display")} className="self-start">
      <div className="grid gap-4">
        <Choice name={t("settings.language")}><Segments label={t("settings.language")} value={language} onChange={(chosen) => choose({ language: chosen })} options={[["ko", "한국어"], ["en", "English"]]} /></Choice>
        <Choice name={t("settings.theme")}><Segments label={t("settings.theme")} value={theme} onChange={(chosen) => choose({ theme: chosen })} options={[["system", t("settings.theme.system")], ["light", t("settings.theme.light")], ["dark", t("settings.theme.dark")]]} /></Choice>
        <Select name="colours" label={t("settings.colours")} value={colours} onText={(text) => prefer({ colours: text as Colours })} options={[["korean", t("settings.colours.korean")], ["western", t("settings.colours.western")], ["safe", t("settings.colours.safe")]]} />
        <p className="flex gap-4 font-semibold"><span className="text-up">▲ +1.25%</span><span className="text-down">▼ -0.80%</span></p>
      </div>
    </Card>
  );
}

function Choice({ name, children }: { name: string; children: React.ReactNode }) {
  return <div className="grid gap-1"><span aria-hidden="true" className="text-sm font-medium text-quiet">{name}</span>{children}</div>;
}
