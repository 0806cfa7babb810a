// Sends a large file in parts, three at a time, without those that have already arrived.
import { transfer } from "./transfer.js";
import { UploadRefused } from "./upload_errors.js";

const PARALLEL = 3;
const SIGNED_AT_ONCE = 20;
const ATTEMPTS = 3;

// `ticket`: part_size, and the numbers in `arrived`. `sign(numbers)` resolves to URLs by number.
export async function sendParts(file, ticket, { sign, onProgress }) {
  const size = ticket.part_size;
  const arrived = new Set(ticket.arrived);
  const bytes = new Map();
  const report = (number, share) => {
    bytes.set(number, share * partOf(file, number, size).size);
    onProgress([...bytes.values()].reduce((sum, sent) => sum + sent, 0) / file.size);
  };
  const missing = [];
  for (let number = 1; number <= Math.ceil(file.size / size); number += 1) {
    if (arrived.has(number)) report(number, 1);
    else missing.push(number);
  }
  while (missing.length) {
    const batch = missing.splice(0, SIGNED_AT_ONCE);
    const urls = await sign(batch);
    await inParallel(batch, (number) =>
      sendPart(urls[number], partOf(file, number, size), (share) => report(number, share)));
  }
}

const partOf = (file, number, size) => file.slice((number - 1) * size, number * size);

// Once one part has failed, parts in flight are finished and no others are started.
async function inParallel(numbers, send) {
  const queue = [...numbers];
  const work = async () => {
    try {
      while (queue.length) await send(queue.shift());
    } catch (error) {
      queue.length = 0;
      throw error;
    }
  };
  const results = await Promise.allSettled(Array.from({ length: PARALLEL }, work));
  const failed = results.find(({ status }) => status === "rejected");
  if (failed) throw failed.reason;
}

// S3 responds 500 or 503 when it is busy, and documents that clients should retry.
async function sendPart(url, part, onProgress) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await transfer("PUT", url, part, onProgress);
    } catch (error) {
      if (!(error instanceof UploadRefused) || error.status < 500 || attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1_000 * 2 ** attempt));
    }
  }
}
