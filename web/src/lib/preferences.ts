/** How this browser shows things. Nothing here is secret: tokens never come near storage. */
import { useSyncExternalStore } from "react";

export type Language = "ko" | "en";
export type Theme = "system" | "light" | "dark";
export type Colours = "korean" | "western" | "safe";

export interface Preferences {
  language: Language;
  theme: Theme;
  colours: Colours;
  /** The account that orders are placed in. */
  accountId: string | null;
  /** The watchlist that is shown; another where it is gone. */
  watchlistId: string | null;
}

const KEY = "exodus.preferences";
const listeners = new Set<() => void>();
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

function initial(): Preferences {
  const first: Preferences = {
    language: navigator.language.startsWith("ko") ? "ko" : "en",
    theme: "system",
    colours: "korean",
    accountId: null,
    watchlistId: null,
  };
  try {
    return { ...first, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Preferences>) };
  } catch {
    return first; // unreadable, or storage is refused: the defaults do
  }
}

let current = initial();

export function preferences(): Preferences {
  return current;
}

/** Changes some of them, here and in this browser's other tabs. */
export function prefer(changes: Partial<Preferences>): void {
  current = { ...current, ...changes };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // Storage is refused: they hold until the page is closed.
  }
  apply();
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(subscribe, preferences);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Puts them onto the page: the language for screen readers, the theme and colours for the style sheet. */
export function apply(): void {
  const root = document.documentElement;
  root.lang = current.language;
  root.dataset.theme = current.theme === "system" ? (systemIsDark.matches ? "dark" : "light") : current.theme;
  root.dataset.colours = current.colours;
  for (const listener of listeners) listener();
}

export function follow(): void {
  systemIsDark.addEventListener("change", apply);
  addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    current = initial();
    apply();
  });
  apply();
}
