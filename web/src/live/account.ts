/** What happens to the person's accounts, as it happens: what was read before becomes stale, and news is shown. */
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { refresh, session } from "@/api/session";
import { type Health, Line, type Message } from "./line";

export interface Step { status: string; at: string; filled: string }

const STEPS_MAX = 500;
let health: Health = "connecting";
let lastSeq: number | null = null;
const listeners = new Set<() => void>();
/** Order id → what was heard of it while this page was open; the server keeps where it stands, not each step. */
const steps = new Map<string, Step[]>();

/** Which readings each kind of news makes stale. */
const STALE: Record<string, readonly string[]> = {
  order: ["orders", "order", "summary", "balance"],
  execution: ["automation", "executions", "history", "closed-trades"],
  position: ["summary", "positions", "allocation", "performance"],
  balance: ["summary", "balance", "ledger", "performance"],
  signal: ["signals", "automation", "drift"],
  notice: ["notices", "halts", "alerts", "automations", "automation", "hooks", "doubts"],
};

interface OrderNews { id: string; status: string; updated_at?: string; filled_quantity?: string }

export function startAccount(client: QueryClient, onNotice: (title: string, body: string) => void): () => void {
  const line = new Line({
    open: () => new WebSocket(`wss://${location.host}/ws/account`),
    token: () => session().token,
    renew: refresh,
    onReady: (say) => {
      if (lastSeq !== null) say({ action: "resume", seq: lastSeq });
      else for (const name of Object.values(STALE).flat()) void client.invalidateQueries({ queryKey: [name] });
    },
    onMessage: (message) => hear(message, client, onNotice),
    onHealth: (next) => {
      health = next;
      for (const listener of listeners) listener();
    },
  });
  const back = (): void => line.hurry();
  const gone = (): void => line.cut();
  addEventListener("online", back);
  addEventListener("offline", gone);
  line.start();
  return () => {
    removeEventListener("online", back);
    removeEventListener("offline", gone);
    line.stop();
    lastSeq = null;
    steps.clear();
  };
}

export function hear(message: Message, client: QueryClient, onNotice: (title: string, body: string) => void): void {
  if (message.type === "ready" && lastSeq === null) lastSeq = Number(message.seq);
  if (message.type === "reset" || message.type === "gap") {
    void client.invalidateQueries();
    return;
  }
  if (typeof message.seq === "number" && message.type !== "ready") {
    if (lastSeq !== null && message.seq <= lastSeq) return; // heard before the break already
    lastSeq = message.seq;
  }
  if (message.type === "order") remember(message.data as OrderNews);
  if (message.type === "notice") {
    const { title, body } = message.data as { title?: string; body?: string };
    onNotice(title ?? "", body ?? "");
  }
  for (const name of STALE[message.type] ?? []) void client.invalidateQueries({ queryKey: [name] });
}

function remember(order: OrderNews): void {
  if (steps.size >= STEPS_MAX && !steps.has(order.id)) steps.delete(steps.keys().next().value ?? "");
  const before = steps.get(order.id) ?? [];
  const step = { status: order.status, at: order.updated_at ?? new Date().toISOString(), filled: order.filled_quantity ?? "0" };
  steps.set(order.id, [...before, step]);
  for (const listener of listeners) listener();
}

export const stepsOf = (orderId: string): readonly Step[] => steps.get(orderId) ?? NONE;
const NONE: readonly Step[] = [];

function onChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useAccountHealth(): Health {
  return useSyncExternalStore(onChange, () => health);
}

export function useSteps(orderId: string): readonly Step[] {
  return useSyncExternalStore(onChange, () => stepsOf(orderId));
}
