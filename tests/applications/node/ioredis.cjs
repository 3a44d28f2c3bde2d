// ioredis: pipelines, transactions, its own commands in Lua, messages, streams and scans.

const assert = require("node:assert/strict");
const Redis = require("ioredis");

const url = process.argv[2];

async function pipelines(redis) {
  const pipeline = redis.pipeline();
  for (let number = 0; number < 1000; number++) pipeline.set(`key:${number}`, number);
  pipeline.incr("key:7").lpush("key:7", "x").mget("key:0", "missing", "key:999");
  const replies = await pipeline.exec();
  assert.equal(replies.length, 1003);
  assert.deepEqual(replies[1000], [null, 8]);
  assert.match(replies[1001][0].message, /^WRONGTYPE /);
  assert.deepEqual(replies[1002], [null, ["0", null, "999"]]);
}

async function transactions(redis) {
  assert.deepEqual(await redis.multi().set("a", 1).incr("a").exec(), [[null, "OK"], [null, 2]]);
  const rival = redis.duplicate();
  await redis.watch("a");
  await rival.set("a", 5);
  assert.equal(await redis.multi().set("a", 6).exec(), null);
  assert.equal(await redis.get("a"), "5");
  rival.disconnect();
}

async function scripts(redis) {
  redis.defineCommand("addAll", {
    numberOfKeys: 1,
    lua: "local sum = 0 for _, n in ipairs(ARGV) do sum = sum + n end return redis.call('incrby', KEYS[1], sum)",
  });
  assert.equal(await redis.addAll("sum", 1, 2, 3), 6);
  await redis.script("FLUSH");
  assert.equal(await redis.addAll("sum", 4), 10);
  const replies = await redis.pipeline().addAll("sum", 1).addAll("sum", 2).exec();
  assert.deepEqual(replies, [[null, 11], [null, 13]]);
  await assert.rejects(redis.eval("return redis.error_reply('MINE failed')", 0), /MINE failed/);
}

async function messages(redis) {
  const subscriber = redis.duplicate();
  const received = [];
  const all = new Promise((resolve) => {
    const note = (...message) => received.push(message) === 3 && resolve();
    subscriber.on("message", note);
    subscriber.on("pmessage", note);
  });
  assert.equal(await subscriber.subscribe("news", "other"), 2);
  assert.equal(await subscriber.psubscribe("n*"), 3);
  assert.equal(await redis.publish("news", "hello"), 2);
  assert.equal(await redis.publish("other", "you"), 1);
  await all;
  assert.deepEqual(received, [["news", "hello"], ["n*", "news", "hello"], ["other", "you"]]);
  assert.deepEqual(await redis.pubsub("NUMSUB", "news"), ["news", 1]);
  assert.equal(await subscriber.unsubscribe("news"), 2);
  subscriber.disconnect();
}

async function streams(redis) {
  const id = await redis.xadd("log", "*", "a", "1", "b", "2");
  assert.deepEqual(await redis.xrange("log", "-", "+"), [[id, ["a", "1", "b", "2"]]]);
  await redis.xgroup("CREATE", "log", "group", "0");
  const [[name, entries]] = await redis.xreadgroup("GROUP", "group", "me", "COUNT", 10, "STREAMS", "log", ">");
  assert.deepEqual([name, entries.length], ["log", 1]);
  assert.equal(await redis.xack("log", "group", id), 1);
  const waiting = redis.duplicate();
  const awaited = waiting.xread("BLOCK", 10000, "STREAMS", "log", "$");
  while (!/blocked_clients:1\r/.test(await redis.info("clients")));
  const next = await redis.xadd("log", "*", "c", "3");
  assert.deepEqual(await awaited, [["log", [[next, ["c", "3"]]]]]);
  waiting.disconnect();
}

async function scans(redis) {
  const fields = Array.from({ length: 600 }, (_, number) => [`field:${number}`, number]).flat();
  await redis.hset("hash", ...fields);
  let found = 0;
  for await (const part of redis.hscanStream("hash", { match: "field:1*", count: 50 })) found += part.length / 2;
  assert.equal(found, 111);
}

async function buffers(redis) {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  await redis.set(bytes, bytes);
  assert.deepEqual(await redis.getBuffer(bytes), bytes);
}

(async () => {
  for (const scenario of [pipelines, transactions, scripts, messages, streams, scans, buffers]) {
    const redis = new Redis(url, { maxRetriesPerRequest: 1 });
    await redis.flushall();
    await scenario(redis);
    redis.disconnect();
    console.log(scenario.name);
  }
})();
