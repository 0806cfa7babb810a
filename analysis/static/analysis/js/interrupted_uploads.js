// The note on uploads that a reload interrupted. When the same files are chosen again, they continue where they stopped.
import { folderOf } from "./dropped_files.js";
import { message } from "./messages.js";
import { restoreTarget } from "./upload_target.js";
import { fetchRows } from "./upload_rows.js";

const MAX_ASKED = 200;

export class InterruptedUploads {
  constructor(root, journal) {
    this.root = root;
    this.journal = journal;
    this.entries = [];
  }

  get size() {
    return this.entries.length;
  }

  async load() {
    const entries = await this.journal.interrupted();
    const finished = await this.finished(entries);
    await this.journal.remove(finished.map((entry) => entry.id));
    this.entries = entries.filter((entry) => !finished.includes(entry));
    if (this.size) restoreTarget(this.root, this.entries[0].target);
    this.render();
  }

  // Uploads that had arrived completely before the reload, and have been stored since.
  async finished(entries) {
    const ids = entries.map((entry) => entry.ticket).filter(Boolean).slice(0, MAX_ASKED);
    if (!ids.length) return [];
    const stored = (await fetchRows(this.root.dataset.statesUrl, ids)).filter((row) => row.dataset.image);
    const tickets = new Set(stored.map((row) => row.dataset.ticket));
    return entries.filter((entry) => tickets.has(entry.ticket));
  }

  // The id of the upload that this file continues, or "". Found by hash; without one yet, by name, size and folder.
  take(file, sha256) {
    const isSame = (entry) =>
      entry.sha256
        ? entry.sha256 === sha256
        : entry.name === file.name && entry.size === file.size && entry.folder === folderOf(file);
    const entry = this.entries.find(isSame);
    if (!entry) return "";
    this.entries = this.entries.filter((other) => other !== entry);
    this.journal.remove([entry.id]);
    this.render();
    return entry.ticket ?? "";
  }

  // Aborts discarded uploads, so that S3 deletes their parts.
  async discard(abort) {
    const { entries } = this;
    this.entries = [];
    this.render();
    await this.journal.remove(entries.map((entry) => entry.id));
    for (const { ticket } of entries) if (ticket) await abort(ticket);
  }

  render() {
    const alert = this.root.querySelector("[data-upload-interrupted]");
    alert.hidden = !this.size;
    alert.querySelector("[data-interrupted-text]").textContent = message("upload-interrupted", { number: this.size });
  }
}
