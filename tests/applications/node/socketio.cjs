// Two servers of socket.io that pass their clients' messages on to each other through the Redis adapter.

const assert = require("node:assert/strict");
const { createServer } = require("node:http");
const { once } = require("node:events");
const { createAdapter } = require("@socket.io/redis-adapter");
const Redis = require("ioredis");
const { Server } = require("socket.io");
const { io: connect } = require("socket.io-client");

const publisher = new Redis(process.argv[2]);

async function start() {
  const http = createServer();
  const subscriber = publisher.duplicate();
  const io = new Server(http, { adapter: createAdapter(publisher, subscriber) });
  io.on("connection", (socket) => {
    socket.on("join", async (room, done) => { await socket.join(room); done(); });
    socket.on("say", (room, text) => io.to(room).emit("said", text));
  });
  http.listen(0);
  await once(http, "listening");
  await subscriber.ping();
  return { io, subscriber, url: `http://127.0.0.1:${http.address().port}` };
}

(async () => {
  const [first, second] = [await start(), await start()];
  const [anna, ben] = [connect(first.url), connect(second.url)];
  await Promise.all([once(anna, "connect"), once(ben, "connect")]);
  while ((await first.io.of("/").adapter.serverCount()) < 2);

  await ben.emitWithAck("join", "chess");
  const heard = once(ben, "said");
  anna.emit("say", "chess", "hello");
  assert.deepEqual(await heard, ["hello"]);
  console.log("rooms");

  assert.equal((await first.io.fetchSockets()).length, 2);
  assert.equal((await first.io.in("chess").fetchSockets()).length, 1);
  console.log("sockets of all servers");

  const asked = once(second.io, "question");
  first.io.serverSideEmit("question", 42);
  assert.deepEqual(await asked, [42]);
  console.log("messages between servers");

  anna.close();
  ben.close();
  await Promise.all([first.io.close(), second.io.close()]);
  for (const client of [publisher, first.subscriber, second.subscriber]) client.disconnect();
})();
