// The upload of one file: a ticket, the bytes to the URL of the ticket, and a request when all of them have arrived.
import { folderOf } from "./dropped_files.js";
import { fetchFragment } from "./fragments.js";
import { message } from "./messages.js";
import { statusMessage, storageMessage } from "./upload_messages.js";
import { parseRows } from "./upload_rows.js";

// Hashing reads the whole file into memory; a larger file is sent without a check for a duplicate.
const MAX_HASHED_BYTES = 64 * 1024 ** 2;

// The connection broke or the server is down: the same file is sent again later.
export class ConnectionLost extends Error {}

export class SignedOut extends Error {}

export class UploadRefused extends Error {
  constructor(text, canRetry) {
    super(text);
    this.canRetry = canRetry;
  }
}

export class UploadFile {
  constructor(file, url, { sidecar, onProgress, onState }) {
    Object.assign(this, { file, url, sidecar, onProgress, onState });
  }

  // Resolves to the row that the server renders for the file.
  async run() {
    this.onState(message("upload-checking"));
    const { name, size } = this.file;
    const fields = { name, size, sha256: await hash(this.file), folder: folderOf(this.file) };
    if (this.sidecar) fields.sidecar = this.sidecar;
    const ticket = JSON.parse(await this.post(this.url, fields));
    if (ticket.row) return parseRows(ticket.row)[0];
    this.onState("0\u202f%");
    await this.send(ticket.url, ticket.fields);
    this.onState(message("upload-checking"));
    const row = parseRows(await this.post(ticket.complete, {}))[0];
    if (!row) throw new UploadRefused(statusMessage(0), true);
    return row;
  }

  async post(url, fields) {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    const headers = { "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value };
    const response = await fetchFragment(url, { method: "POST", body, headers });
    if (!response) throw new ConnectionLost();
    if (response.redirected) throw new SignedOut();
    const text = await response.text();
    if (response.ok) return text;
    const isMessage = response.headers.get("Content-Type")?.startsWith("text/plain");
    throw new UploadRefused(isMessage ? text : statusMessage(response.status), response.status !== 413);
  }

  // By XMLHttpRequest, since fetch reports no progress of an upload.
  send(url, fields) {
    const request = new XMLHttpRequest();
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    body.append("file", this.file); // after the fields: S3 reads no further
    return new Promise((resolve, reject) => {
      request.upload.onprogress = (event) => this.onProgress(event.total ? event.loaded / event.total : 0);
      request.onload = () => {
        if (request.status >= 200 && request.status < 300) resolve();
        else reject(new UploadRefused(storageMessage(request), request.status !== 413));
      };
      request.onerror = () => reject(new ConnectionLost());
      request.open("POST", url);
      request.send(body);
    });
  }
}

// Empty without a secure context, or if the file cannot be read: then the server detects duplicates itself.
async function hash(file) {
  if (!globalThis.crypto?.subtle || file.size > MAX_HASHED_BYTES) return "";
  const digest = await file.arrayBuffer().then(
    (bytes) => crypto.subtle.digest("SHA-256", bytes),
    () => null,
  );
  if (!digest) return "";
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
