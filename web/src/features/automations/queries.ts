/** What the pages of automations read, each under the key by which the account's stream makes it stale. */
import { queryOptions } from "@tanstack/react-query";
import { api, got, type Schemas } from "@/api/client";

export type Automation = Schemas["AutomationShown"];
export type Figures = Schemas["AutomationFigures"];
export type Signal = Schemas["SignalShown"];

export const automations = queryOptions({
  queryKey: ["automations"],
  queryFn: () => got(api.GET("/api/v1/trading/automations", { params: { query: { limit: 100 } } })),
});

export const figures = (id: string) =>
  queryOptions({
    queryKey: ["automation", id],
    queryFn: () => got(api.GET("/api/v1/trading/automations/{automation_id}", { params: { path: { automation_id: id } } })),
  });

export const signals = (automationId: string | null) =>
  queryOptions({
    queryKey: ["signals", automationId],
    queryFn: () => got(api.GET("/api/v1/trading/signals", { params: { query: { automation_id: automationId ?? undefined, limit: 100 } } })),
  });

/** Asked for now and then besides: a deadline passes whether or not the stream says so. */
export const asked = queryOptions({
  queryKey: ["signals", "asked"],
  queryFn: () => got(api.GET("/api/v1/trading/signals", { params: { query: { status: "asked", limit: 100 } } })),
  refetchInterval: 15_000,
});

export const drift = (automationId: string, day: string) =>
  queryOptions({
    queryKey: ["drift", automationId, day],
    queryFn: () => got(api.GET("/api/v1/trading/automations/{automation_id}/drift", { params: { path: { automation_id: automationId }, query: { day } } })),
    enabled: day !== "",
    retry: false,
  });

export const hooks = queryOptions({ queryKey: ["hooks"], queryFn: () => got(api.GET("/api/v1/trading/hooks")) });
