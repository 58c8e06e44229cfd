/** Loaded before everything else, so that the session is asked for while the rest of the client is still on its way. */
import { askForTokens } from "@/api/refreshing";

export const asked: Promise<Response> = askForTokens();
// Whoever uses it hears of a failure; until then it is nobody's.
asked.catch(() => undefined);
