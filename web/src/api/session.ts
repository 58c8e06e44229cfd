/**
 * Who is logged in, in this tab. The access token lives in memory only; the refresh token is an HttpOnly cookie that no
 * script can read.
 */
import { useSyncExternalStore } from "react";
import { askForTokens } from "./refreshing";
import type { components } from "./schema";

export type Tokens = components["schemas"]["Tokens"];
/** `asking` until the cookie was tried; `over` when a session that was used has ended and its page is still open. */
export type Standing = "asking" | "out" | "in" | "over";

interface State {
  standing: Standing;
  token: string | null;
  userId: string | null;
  role: string | null;
}

const REFRESH_AHEAD_SECONDS = 60;

let state: State = { standing: "asking", token: null, userId: null, role: null };
const listeners = new Set<() => void>();
const otherTabs = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("exodus.session");
let timer: ReturnType<typeof setTimeout> | undefined;
let refreshing: Promise<string | null> | null = null;

function become(next: State): void {
  state = next;
  for (const listener of listeners) listener();
}

export function session(): State {
  return state;
}

export function useSession(): State {
  return useSyncExternalStore(onSession, session);
}

export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function claimsOf(token: string): { sub: string; role: string } {
  const payload = (token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
  return JSON.parse(atob(payload)) as { sub: string; role: string };
}

/** Begins, or goes on with, a session. */
export function accept(tokens: Tokens): void {
  const { sub, role } = claimsOf(tokens.access_token);
  become({ standing: "in", token: tokens.access_token, userId: sub, role });
  clearTimeout(timer);
  timer = setTimeout(() => void refresh(), Math.max(tokens.expires_in - REFRESH_AHEAD_SECONDS, 5) * 1000);
}

/** Exchanges the cookie for a fresh access token, or goes on with what was `asked`; null when the session has ended. */
export function refresh(asked?: Promise<Response>): Promise<string | null> {
  refreshing ??= tokensFrom(asked ?? askForTokens()).finally(() => (refreshing = null));
  return refreshing;
}

async function tokensFrom(asked: Promise<Response>): Promise<string | null> {
  let answer: Response;
  try {
    answer = await asked;
  } catch {
    return retryLater();
  }
  if (answer.ok) {
    accept((await answer.json()) as Tokens);
    return state.token;
  }
  if (answer.status !== 401) return retryLater();
  ended();
  return null;
}

/** The platform is away, which says nothing about the session: keep what there is and ask again. */
function retryLater(): string | null {
  clearTimeout(timer);
  timer = setTimeout(() => void refresh(), 3000);
  if (state.standing === "asking") become({ ...state });
  return state.token;
}

/** A session ended by itself: whoever was at work keeps the page, and logs in over it. */
export function ended(): void {
  clearTimeout(timer);
  const wasIn = state.standing === "in" || state.standing === "over";
  become({ standing: wasIn ? "over" : "out", token: null, userId: state.userId, role: state.role });
}

/** Logs out here and in this browser's other tabs. */
export async function leave(): Promise<void> {
  await fetch("/api/v1/auth/logout", { method: "POST", headers: { "X-Client": "web" } }).catch(() => undefined);
  otherTabs?.postMessage("left");
  forget();
}

export function forget(): void {
  clearTimeout(timer);
  become({ standing: "out", token: null, userId: null, role: null });
}

otherTabs?.addEventListener("message", () => forget());
