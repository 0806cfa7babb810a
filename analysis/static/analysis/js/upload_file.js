// The upload of one file: requests a ticket, sends the bytes to its URL, and reports when all have arrived.
import { dateOf, folderOf } from "./dropped_files.js";
import { hashOf } from "./file_hash.js";
import { fetchFragment } from "./fragments.js";
import { message } from "./messages.js";
import { transfer } from "./transfer.js";
import { ConnectionLost, SignedOut, UploadRefused } from "./upload_errors.js";
import { statusMessage } from "./upload_messages.js";
import { sendParts } from "./upload_parts.js";
import { parseRows } from "./upload_rows.js";

export class UploadFile {
  // `upload` has the file, its sidecar, and sha256 and ticket of an earlier attempt. `onHash` and `onTicket` may change it.
  constructor(upload, url, { target, onHash, onTicket, onProgress, onState }) {
    Object.assign(this, { upload, url, target, onHash, onTicket, onProgress, onState });
  }

  // Resolves to the row that the server renders for the file.
  async run() {
    const { upload } = this;
    this.onState(message("upload-checking"));
    upload.sha256 ??= await hashOf(upload.file);
    this.onHash();
    const ticket = JSON.parse(await post(this.url, this.fields()));
    this.onTicket(ticket);
    if (ticket.row) return parseRows(ticket.row)[0];
    if (ticket.parts || ticket.url) this.onState("0\u202f%");
    if (ticket.parts) await this.sendParts(ticket);
    else if (ticket.url) await this.send(ticket);
    this.onState(message("upload-checking"));
    const row = parseRows(await post(ticket.complete, []))[0];
    if (!row) throw new UploadRefused(statusMessage(0), true);
    return row;
  }

  fields() {
    const { file, sha256, ticket, sidecar } = this.upload;
    const { name, size } = file;
    const fields = { name, size, sha256, folder: folderOf(file), modified: dateOf(file), ...this.target() };
    if (ticket) fields.upload = ticket;
    if (sidecar) fields.sidecar = sidecar;
    return Object.entries(fields);
  }

  send(ticket) {
    // The file comes last, since S3 ignores fields after it.
    const body = formOf([...Object.entries(ticket.fields), ["file", this.upload.file]]);
    return transfer("POST", ticket.url, body, this.onProgress);
  }

  sendParts(ticket) {
    const sign = async (numbers) => JSON.parse(await post(ticket.parts, numbers.map((n) => ["number", n]))).urls;
    return sendParts(this.upload.file, ticket, { sign, onProgress: this.onProgress });
  }
}

export async function post(url, fields) {
  const headers = { "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value };
  const response = await fetchFragment(url, { method: "POST", body: formOf(fields), headers });
  if (!response) throw new ConnectionLost();
  if (response.redirected) throw new SignedOut();
  const text = await response.text();
  if (response.ok) return text;
  const isMessage = response.headers.get("Content-Type")?.startsWith("text/plain");
  throw new UploadRefused(isMessage ? text : statusMessage(response.status), response.status !== 413);
}

function formOf(fields) {
  const body = new FormData();
  for (const [name, value] of fields) body.append(name, value);
  return body;
}
