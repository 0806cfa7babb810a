// One file on its way: leave to send it, its bytes to where the leave says, and a word when all of them are there.
import { parsed } from "./rows.js";
import { sentenceOf, storageSentenceOf } from "./words.js";

// What is hashed is read into memory whole; a larger file is sent without being asked for first.
const HASHED = 64 * 1024 ** 2;

// The connection broke, or the server is not there: the same file is sent again once it is.
export class Lost extends Error {}

// Somebody has to sign in first.
export class SignedOut extends Error {}

export class Refused extends Error {
  constructor(sentence, mayRetry) {
    super(sentence);
    this.mayRetry = mayRetry;
  }
}

export class Sending {
  constructor(file, url, { onProgress, onState }) {
    Object.assign(this, { file, url, onProgress, onState });
  }

  // Answers the row that the server makes of it.
  async run() {
    this.onState("Checking");
    const leave = await this.ask(this.url, {
      name: this.file.name,
      size: this.file.size,
      sha256: await hashOf(this.file),
    });
    const said = JSON.parse(leave);
    if (said.row) return parsed(said.row)[0];
    this.onState("0\u202f%");
    await this.send(said.url, said.fields);
    this.onState("Checking");
    const row = parsed(await this.ask(said.complete, {}))[0];
    if (!row) throw new Refused(sentenceOf(0), true);
    return row;
  }

  async ask(url, fields) {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    const headers = { "HX-Request": "true", "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value };
    const answer = await fetch(url, { method: "POST", body, headers }).catch(() => {
      throw new Lost();
    });
    if (answer.redirected) throw new SignedOut();
    const text = await answer.text();
    if (answer.ok) return text;
    const isSaid = answer.headers.get("Content-Type")?.startsWith("text/plain");
    throw new Refused(isSaid ? text : sentenceOf(answer.status), answer.status !== 413);
  }

  // By XMLHttpRequest, since fetch does not tell how far an upload is.
  send(url, fields) {
    const request = new XMLHttpRequest();
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    body.append("file", this.file); // behind the fields: S3 does not read further
    return new Promise((resolve, reject) => {
      request.upload.onprogress = (event) => this.onProgress(event.total ? event.loaded / event.total : 0);
      request.onload = () => {
        if (request.status >= 200 && request.status < 300) resolve();
        else reject(new Refused(storageSentenceOf(request), request.status !== 413));
      };
      request.onerror = () => reject(new Lost());
      request.open("POST", url);
      request.send(body);
    });
  }
}

// Empty where the page is not served securely, or the file cannot be read: then the server finds out by itself.
async function hashOf(file) {
  if (!globalThis.crypto?.subtle || file.size > HASHED) return "";
  const digest = await file.arrayBuffer().then(
    (bytes) => crypto.subtle.digest("SHA-256", bytes),
    () => null,
  );
  if (!digest) return "";
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
