/** One language for everything: this page, mails, and the notices that are written elsewhere. */
import { api, got, type Schemas } from "@/api/client";
import type { Language } from "@/lib/preferences";

/** Tells the platform; what it cannot be told now is asked for again when the setting is next changed. */
export async function tellLanguage(settings: Schemas["Settings"], language: Language): Promise<void> {
  await got(api.PUT("/api/v1/users/settings", { body: { ...settings, language } }));
  const told = await got(api.GET("/api/v1/notifications/preferences"));
  await got(api.PUT("/api/v1/notifications/preferences", { body: { ...told, language, time_zone: settings.time_zone } }));
}
