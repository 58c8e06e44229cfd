/** The question for a fresh access token, apart from everything else: it is asked before the rest of the client is here. */

const LOCK = "exodus.refresh";

/** Asks with the cookie; tabs take turns, since a refresh token is good for one use. */
export async function askForTokens(): Promise<Response> {
  const ask = (): Promise<Response> => fetch("/api/v1/auth/refresh", { method: "POST", headers: { "X-Client": "web" } });
  // No locks outside secure pages and in old browsers: the server forgives a second use within seconds.
  return "locks" in navigator ? await navigator.locks.request(LOCK, ask) : await ask();
}
