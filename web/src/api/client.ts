/** The one way to the platform's routes: typed by its OpenAPI, with the session's token, and errors as Problem. */
import createClient, { type Middleware } from "openapi-fetch";
import { heardTime } from "@/lib/clock";
import { Problem, type ProblemBody, unreachable } from "./problem";
import type { components, paths } from "./schema";
import { accept, ended, refresh, session } from "./session";

export type Schemas = components["schemas"];

/** Asks the person to prove who they are again; false when they would rather not. Set by the shell, which has the dialog. */
let proveAgain: (() => Promise<boolean>) | null = null;

export function onStepUp(ask: () => Promise<boolean>): void {
  proveAgain = ask;
}

const retried = new WeakSet<Request>();
const sent = new Map<string, Request>();
const askedAt = new Map<string, number>();

const withSession: Middleware = {
  onRequest({ request, id }) {
    const { token } = session();
    if (token) request.headers.set("Authorization", `Bearer ${token}`);
    request.headers.set("X-Client", "web");
    sent.set(id, request.clone());
    askedAt.set(id, Date.now());
    return request;
  },
  async onResponse({ response, id }) {
    const request = sent.get(id);
    const asked = askedAt.get(id);
    sent.delete(id);
    askedAt.delete(id);
    if (asked !== undefined) heardTime(response.headers.get("Date"), asked, Date.now());
    if (!request || response.ok || retried.has(request)) return response;
    const again = await mayRetry(response, request);
    if (!again) return response;
    const { token } = session();
    const copy = new Request(request);
    if (token) copy.headers.set("Authorization", `Bearer ${token}`);
    retried.add(copy);
    return fetch(copy).catch(() => {
      throw unreachable();
    });
  },
  onError({ id }) {
    sent.delete(id);
    askedAt.delete(id);
    return unreachable();
  },
};

/** A refused request did nothing, so it may be sent again once what it lacked is there: a fresh token, a fresh proof. */
async function mayRetry(response: Response, request: Request): Promise<boolean> {
  if (response.status === 401 && session().standing === "in" && !isLogin(request.url)) {
    return (await refresh()) !== null;
  }
  if (response.status !== 403 || !proveAgain) return false;
  const body = (await response.clone().json().catch(() => null)) as ProblemBody | null;
  return body?.code === "step_up_required" && (await proveAgain());
}

function isLogin(url: string): boolean {
  return /\/auth\/(login|refresh|step-up|passkeys\/)/.test(url);
}

export const api = createClient<paths>({ baseUrl: location.origin });
api.use(withSession);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of an answer that went well; throws Problem for every other. */
export async function got<T>(asked: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await asked;
  if (response.ok) return data as T;
  const body = error as Partial<ProblemBody> | undefined;
  if (response.status === 401 && session().standing === "in" && body?.code !== "otp_wrong" && !isLogin(response.url)) ended();
  throw new Problem({
    type: "about:blank", title: response.statusText, detail: "", code: `http_${response.status}`, request_id: null,
    ...body,
    status: response.status,
  });
}

/** A fresh key: the same one sent twice changes something once. */
export function onceOnly(): { "Idempotency-Key": string } {
  return { "Idempotency-Key": crypto.randomUUID() };
}

export { accept };
