/**
 * A WebSocket that keeps itself open: it authenticates by its first message, comes back after a break with growing
 * pauses, asks for an answer when nothing is heard, and always says how it is.
 */

export type Health = "connecting" | "live" | "lost";
export type Message = Record<string, unknown> & { type: string };

export interface LineOptions {
  open: () => WebSocket;
  /** The newest access token, or null while nobody is logged in. */
  token: () => string | null;
  /** Asked after the server refused the token; resolves when there may be a new one. */
  renew: () => Promise<unknown>;
  /** The line is ready: subscribe, or say where to resume. */
  onReady: (say: (message: object) => void) => void;
  onMessage: (message: Message) => void;
  onHealth: (health: Health) => void;
}

export const PAUSE_MS = { first: 500, most: 15_000 };
export const SILENCE_MS = { ask: 10_000, giveUp: 20_000 };
const NOT_AUTHENTICATED = 4401;

export class Line {
  #socket: WebSocket | null = null;
  #health: Health = "connecting";
  #failures = 0;
  #stopped = false;
  #heardAt = 0;
  #again: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;

  constructor(readonly options: LineOptions) {}

  start(): void {
    this.#stopped = false;
    this.#open();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#again);
    clearInterval(this.#watch);
    this.#socket?.close(1000);
    this.#socket = null;
  }

  get health(): Health {
    return this.#health;
  }

  /** Sends at once when the line is ready; onReady has the rest. */
  say(message: object): void {
    if (this.#health === "live") this.#send(message);
  }

  /** The browser says the network is back: no need to wait out the pause. */
  hurry(): void {
    if (this.#stopped || this.#health === "live") return;
    clearTimeout(this.#again);
    this.#failures = 0;
    this.#drop();
    this.#open();
  }

  /** The browser says the network is gone, which a socket may take minutes to notice. */
  cut(): void {
    if (this.#stopped) return;
    this.#drop();
    this.#become("lost");
    this.#later();
  }

  #open(): void {
    const token = this.options.token();
    if (token === null) {
      this.#later();
      return;
    }
    const socket = this.options.open();
    this.#socket = socket;
    this.#heardAt = Date.now();
    socket.onopen = () => socket.send(JSON.stringify({ action: "auth", token }));
    socket.onmessage = (event) => this.#hear(socket, String(event.data));
    socket.onclose = (event) => void this.#closed(socket, event.code);
    clearInterval(this.#watch);
    this.#watch = setInterval(() => this.#listenForSilence(), SILENCE_MS.ask / 2);
  }

  #hear(socket: WebSocket, text: string): void {
    if (socket !== this.#socket) return;
    this.#heardAt = Date.now();
    const message = JSON.parse(text) as Message;
    if (message.type === "authenticated") {
      this.#failures = 0;
      this.#become("live");
      this.options.onReady((said) => this.#send(said));
    } else if (message.type !== "pong") {
      this.options.onMessage(message);
    }
  }

  async #closed(socket: WebSocket, code: number): Promise<void> {
    if (socket !== this.#socket || this.#stopped) return;
    this.#drop();
    this.#become("lost");
    if (code === NOT_AUTHENTICATED) await this.options.renew();
    this.#later();
  }

  #later(): void {
    if (this.#stopped) return;
    const pause = Math.min(PAUSE_MS.first * 2 ** this.#failures, PAUSE_MS.most);
    this.#failures += 1;
    clearTimeout(this.#again);
    // Half of it by chance: clients that were cut off together do not come back together.
    this.#again = setTimeout(() => this.#open(), pause / 2 + (Math.random() * pause) / 2);
  }

  #listenForSilence(): void {
    const silent = Date.now() - this.#heardAt;
    if (silent > SILENCE_MS.giveUp) {
      this.cut();
    } else if (silent > SILENCE_MS.ask) {
      this.say({ action: "ping" });
    }
  }

  #drop(): void {
    clearInterval(this.#watch);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #send(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #become(health: Health): void {
    if (health === this.#health) return;
    this.#health = health;
    this.options.onHealth(health);
  }
}
