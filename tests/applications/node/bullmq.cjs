// BullMQ: queues of jobs whose every step is a Lua script.

const assert = require("node:assert/strict");
const { FlowProducer, Queue, QueueEvents, Worker } = require("bullmq");

const { hostname: host, port } = new URL(process.argv[2]);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };

async function work(job) {
  if (job.name === "add") return job.data.first + job.data.second;
  if (job.name === "stubborn" && job.attemptsMade < 2) throw new Error("not yet");
  if (job.name === "total") return Object.values(await job.getChildrenValues()).reduce((sum, part) => sum + part, 0);
  if (job.name === "fail") throw new Error("this job fails");
  return job.attemptsMade;
}

(async () => {
  const queue = new Queue("jobs", { connection });
  const events = new QueueEvents("jobs", { connection });
  await events.waitUntilReady();
  const worker = new Worker("jobs", work, { connection, concurrency: 4 });

  const jobs = await queue.addBulk(
    Array.from({ length: 100 }, (_, number) => ({ name: "add", data: { first: number, second: number } })),
  );
  const results = await Promise.all(jobs.map((job) => job.waitUntilFinished(events)));
  assert.deepEqual(results, jobs.map((_, number) => 2 * number));
  console.log("results");

  const later = await queue.add("add", { first: 1, second: 2 }, { delay: 200, priority: 5 });
  assert.equal(await later.waitUntilFinished(events), 3);
  console.log("delay");

  const stubborn = await queue.add("stubborn", {}, { attempts: 5, backoff: { type: "fixed", delay: 20 } });
  assert.equal(await stubborn.waitUntilFinished(events), 2);
  console.log("retry");

  const failing = await queue.add("fail", {});
  await assert.rejects(failing.waitUntilFinished(events), /this job fails/);
  assert.equal(await queue.getFailedCount(), 1);
  console.log("failure");

  const flows = new FlowProducer({ connection });
  const children = [1, 2, 3].map((first) => ({ name: "add", data: { first, second: 1 }, queueName: "jobs" }));
  const flow = await flows.add({ name: "total", queueName: "jobs", children });
  assert.equal(await flow.job.waitUntilFinished(events), 9);
  console.log("flow");

  await worker.close();
  await queue.add("add", {}, { jobId: "only" });
  await queue.add("add", {}, { jobId: "only" });
  assert.equal(await queue.getWaitingCount(), 1);
  await queue.obliterate({ force: true });
  assert.deepEqual(await queue.getJobCounts("wait", "completed", "failed"), { wait: 0, completed: 0, failed: 0 });
  console.log("obliterate");

  await Promise.all([queue.close(), events.close(), flows.close()]);
})();
