/**
 * The service worker: shows notices pushed by the platform, and opens the client where the network is slow or away.
 * It keeps the client's own files only. What the platform answers is never kept: a price or an order from a cache lies.
 */
export {};

const worker = self as unknown as ServiceWorkerGlobalScope;

const KEPT = "exodus-client-1";
const SHELL = "/index.html";

worker.addEventListener("install", () => void worker.skipWaiting());

worker.addEventListener("activate", (event) => {
  const forget = async (): Promise<void> => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name)));
    await worker.clients.claim();
  };
  event.waitUntil(forget());
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== worker.location.origin) return;
  if (pathname.startsWith("/assets/")) event.respondWith(fromCache(request));
  else if (request.mode === "navigate" && !pathname.startsWith("/api/") && !pathname.startsWith("/docs")) event.respondWith(page(request));
});

/** These files' names change with what they hold: one that is here is right. */
async function fromCache(request: Request): Promise<Response> {
  const cache = await caches.open(KEPT);
  const kept = await cache.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) await cache.put(request, answer.clone());
  return answer;
}

async function page(request: Request): Promise<Response> {
  const cache = await caches.open(KEPT);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(SHELL, answer.clone());
    return answer;
  } catch (away) {
    const kept = await cache.match(SHELL);
    if (kept) return kept;
    throw away;
  }
}

interface Pushed { title?: string; body?: string; url?: string; id?: string }

worker.addEventListener("push", (event) => {
  let pushed: Pushed = {};
  try {
    pushed = (event.data?.json() ?? {}) as Pushed;
  } catch {
    pushed = { body: event.data?.text() ?? "" };
  }
  const options: NotificationOptions = { body: pushed.body ?? "", icon: "/icon-192.png", badge: "/icon-192.png", data: pushed.url ?? "/", ...(pushed.id ? { tag: pushed.id } : {}) };
  event.waitUntil(worker.registration.showNotification(pushed.title ?? "Exodus", options));
});

worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const target = new URL(String(event.notification.data ?? "/"), worker.location.origin);
  const open = async (): Promise<void> => {
    const windows = await worker.clients.matchAll({ type: "window" });
    const here = windows[0];
    if (here) await here.focus();
    else if (target.origin === worker.location.origin) await worker.clients.openWindow(target.href);
  };
  event.waitUntil(open());
});
