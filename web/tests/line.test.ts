import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WebSocket as Client, WebSocketServer, type WebSocket as Peer } from "ws";
import { type Health, Line, type LineOptions, PAUSE_MS } from "@/live/line";

/** A platform's end of the line: it takes one token, and remembers what it was told. */
let server: WebSocketServer;
let told: Record<string, unknown>[][];
let peers: Peer[];

beforeEach(async () => {
  vi.stubGlobal("WebSocket", Client);
  PAUSE_MS.first = 5;
  told = [];
  peers = [];
  server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", (peer) => {
    const heard: Record<string, unknown>[] = [];
    told.push(heard);
    peers.push(peer);
    peer.on("message", (data) => {
      const message = JSON.parse(String(data)) as Record<string, unknown>;
      heard.push(message);
      if (message.action !== "auth") return;
      if (message.token === "good") peer.send('{"type":"authenticated"}');
      else peer.close(4401);
    });
  });
  await new Promise((resolve) => server.once("listening", resolve));
});

afterEach(() => {
  line?.stop();
  for (const peer of peers) peer.terminate();
  server.close();
  vi.unstubAllGlobals();
});

let line: Line | undefined;

function open(options: Partial<LineOptions> = {}): { health: Health[]; messages: unknown[] } {
  const seen = { health: [] as Health[], messages: [] as unknown[] };
  const { port } = server.address() as AddressInfo;
  line = new Line({
    open: () => new Client(`ws://127.0.0.1:${port}`) as unknown as WebSocket,
    token: () => "good",
    renew: () => Promise.resolve(),
    onReady: (say) => say({ action: "subscribe" }),
    onMessage: (message) => seen.messages.push(message),
    onHealth: (health) => seen.health.push(health),
    ...options,
  });
  line.start();
  return seen;
}

describe("a line", () => {
  it("gives its token in the first message and nowhere else, then says what it wants", async () => {
    const { health } = open();
    await vi.waitFor(() => expect(told[0]).toEqual([{ action: "auth", token: "good" }, { action: "subscribe" }]));
    expect(health).toEqual(["live"]);
  });

  it("comes back after a break, says so, and asks again", async () => {
    const { health } = open();
    await vi.waitFor(() => expect(told[0]).toHaveLength(2));
    peers[0]?.terminate();
    await vi.waitFor(() => expect(told[1]).toHaveLength(2));
    expect(health).toEqual(["live", "lost", "live"]);
  });

  it("gets a new token when the old one is refused", async () => {
    let token = "old";
    const renew = vi.fn(() => {
      token = "good";
      return Promise.resolve();
    });
    open({ token: () => token, renew });
    await vi.waitFor(() => expect(told[1]?.[0]).toEqual({ action: "auth", token: "good" }));
    expect(renew).toHaveBeenCalledOnce();
  });

  it("hands on what it hears", async () => {
    const { messages } = open();
    await vi.waitFor(() => expect(told[0]).toHaveLength(2));
    peers[0]?.send('{"type":"quote","symbol":"005930"}');
    await vi.waitFor(() => expect(messages).toEqual([{ type: "quote", symbol: "005930" }]));
  });

  it("says at once when the network is cut, and comes back without waiting when it returns", async () => {
    const { health } = open();
    await vi.waitFor(() => expect(health).toEqual(["live"]));
    line?.cut();
    expect(health).toEqual(["live", "lost"]);
    line?.hurry();
    await vi.waitFor(() => expect(health).toEqual(["live", "lost", "live"]));
  });

  it("stays closed once it is stopped", async () => {
    open();
    await vi.waitFor(() => expect(told[0]).toHaveLength(2));
    line?.stop();
    await vi.waitFor(() => expect(server.clients.size).toBe(0));
    expect(told).toHaveLength(1);
  });
});
