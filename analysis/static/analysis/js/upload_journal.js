// Journal of the files that this browser is uploading, in IndexedDB, so that a reload knows what it interrupted.
const STORE = "files";
const lockName = (page) => `upload-page-${page}`;

const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

function open(name) {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id", autoIncrement: true });
  return settled(request);
}

export class UploadJournal {
  // One for each user, so that the next user of this browser sees nothing of it. Without IndexedDB nothing is stored.
  constructor(person) {
    this.page = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    this.database = open(`imagelib-uploads-${person}`).catch(() => null);
  }

  // Remembers files; resolves to their ids.
  async add(entries) {
    this.hold();
    const store = await this.store("readwrite");
    return store ? Promise.all(entries.map((entry) => settled(store.add({ ...entry, page: this.page })))) : [];
  }

  async change(id, values) {
    const store = await this.store("readwrite");
    const entry = store && (await settled(store.get(id)));
    if (entry) await settled(store.put({ ...entry, ...values }));
  }

  async remove(ids) {
    const store = await this.store("readwrite");
    if (store) await Promise.all(ids.map((id) => settled(store.delete(id))));
  }

  // Files of pages that were closed or reloaded, not of those open in other tabs.
  async interrupted() {
    const store = await this.store("readonly");
    const entries = store ? await settled(store.getAll()) : [];
    const held = (await navigator.locks?.query())?.held.map((lock) => lock.name) ?? [];
    return entries.filter((entry) => entry.page !== this.page && !held.includes(lockName(entry.page)));
  }

  async store(mode) {
    const database = await this.database;
    return database?.transaction(STORE, mode).objectStore(STORE);
  }

  // The browser releases the lock when the page closes. Locks exist in secure contexts only; elsewhere, other tabs count as
  // interrupted.
  hold() {
    this.lock ??= navigator.locks?.request(lockName(this.page), () => new Promise(() => {})) ?? true;
  }
}
