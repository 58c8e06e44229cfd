/**
 * Quotes, books and minutes as they come. However many arrive, a symbol is drawn at most once per frame with the
 * newest; who watches is counted, so that each symbol is asked for once and let go when nobody looks.
 */
import { useEffect, useSyncExternalStore } from "react";
import type { Schemas } from "@/api/client";
import { refresh, session } from "@/api/session";
import { type Health, Line, type Message } from "./line";

export type Quote = Schemas["QuoteMessage"];
export interface Level { price: string; quantity: string }
export interface Book { type: "orderbook"; symbol: string; bids: Level[]; asks: Level[]; timestamp: string; source: string }
export interface Minute { type: string; symbol: string; [figure: string]: unknown }
export type Channel = "quote" | "orderbook" | "bar:1m";

const SYMBOLS_MAX = 200;
const newest = new Map<string, Message>();
const waiting = new Set<string>();
const listeners = new Map<string, Set<() => void>>();
const watchers = new Map<string, number>();
let health: Health = "connecting";
let frame = 0;

const key = (channel: string, symbol: string): string => `${channel} ${symbol}`;

const line = new Line({
  open: () => new WebSocket(`wss://${location.host}/ws/market`),
  token: () => session().token,
  renew: refresh,
  onReady: (say) => {
    for (const channel of ["quote", "orderbook", "bar:1m"] as const) {
      const symbols = [...watchers.keys()].filter((each) => each.startsWith(`${channel} `)).map((each) => each.slice(channel.length + 1));
      for (let at = 0; at < symbols.length; at += SYMBOLS_MAX) {
        say({ action: "subscribe", symbols: symbols.slice(at, at + SYMBOLS_MAX), channels: [channel] });
      }
    }
  },
  onMessage: take,
  onHealth: (next) => {
    health = next;
    notify("health");
  },
});

/** Keeps what a message says for the next frame. */
export function take(message: Message): void {
  if (typeof message.symbol !== "string") return;
  const channel = message.type === "quote" || message.type === "orderbook" ? message.type : "bar:1m";
  const at = key(channel, message.symbol);
  newest.set(at, message);
  waiting.add(at);
  // Not drawn while nobody looks at the tab: the browser gives no frames then.
  frame ||= requestAnimationFrame(draw);
}

function draw(): void {
  frame = 0;
  for (const at of waiting) notify(at);
  waiting.clear();
}

function notify(at: string): void {
  for (const listener of listeners.get(at) ?? []) listener();
}

function listen(at: string, listener: () => void): () => void {
  let those = listeners.get(at);
  if (!those) listeners.set(at, (those = new Set()));
  those.add(listener);
  return () => those.delete(listener);
}

/** Watches symbols on a channel until the returned function is called. */
export function watch(channel: Channel, symbols: readonly string[]): () => void {
  const fresh = symbols.filter((symbol) => count(key(channel, symbol), 1) === 1);
  if (fresh.length) line.say({ action: "subscribe", symbols: fresh, channels: [channel] });
  return () => {
    const gone = symbols.filter((symbol) => count(key(channel, symbol), -1) === 0);
    if (gone.length) line.say({ action: "unsubscribe", symbols: gone, channels: [channel] });
  };
}

function count(at: string, by: 1 | -1): number {
  const left = (watchers.get(at) ?? 0) + by;
  if (left > 0) watchers.set(at, left);
  else watchers.delete(at);
  return left;
}

export function startMarket(): () => void {
  const back = (): void => line.hurry();
  const gone = (): void => line.cut();
  addEventListener("online", back);
  addEventListener("offline", gone);
  line.start();
  return () => {
    removeEventListener("online", back);
    removeEventListener("offline", gone);
    line.stop();
    newest.clear();
  };
}

export function useMarketHealth(): Health {
  return useSyncExternalStore((changed) => listen("health", changed), () => health);
}

function useNewest<T>(channel: Channel, symbol: string | null): T | null {
  useEffect(() => (symbol ? watch(channel, [symbol]) : undefined), [channel, symbol]);
  const at = key(channel, symbol ?? "");
  return useSyncExternalStore((changed) => listen(at, changed), () => (newest.get(at) ?? null) as T | null);
}

export const useLiveQuote = (symbol: string | null): Quote | null => useNewest<Quote>("quote", symbol);
export const useLiveBook = (symbol: string | null): Book | null => useNewest<Book>("orderbook", symbol);
export const useLiveMinute = (symbol: string | null): Minute | null => useNewest<Minute>("bar:1m", symbol);
