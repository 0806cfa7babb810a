// Numbers and outcomes as text on the upload page.
export const NUMBER = new Intl.NumberFormat("en");

export function statusMessage(status) {
  if (status === 413) return "it is larger than the server accepts";
  if (status === 403) return "the page is too old; reload it and choose the file again";
  return `the server could not take it (status ${status}); try again in a moment`;
}

const CONFIGURATION_ERRORS = new Set([
  "AccessDenied",
  "ExpiredToken",
  "InvalidAccessKeyId",
  "NoSuchBucket",
  "PermanentRedirect",
  "RequestTimeTooSkewed",
  "SignatureDoesNotMatch",
]);

// A storage responds with XML; ours is plain text.
export function storageMessage(request) {
  if (request.getResponseHeader("Content-Type")?.startsWith("text/plain")) return request.responseText;
  const xml = new DOMParser().parseFromString(request.responseText, "text/xml");
  const code = xml.querySelector("Code")?.textContent;
  const message = xml.querySelector("Message")?.textContent ?? "";
  if (code === "EntityTooLarge") return "it is larger than was said; choose it again";
  if (code === "EntityTooSmall") return "it is smaller than was said; choose it again";
  if (/policy expired/i.test(message)) return "it took too long and its time is over; send it again";
  if (CONFIGURATION_ERRORS.has(code)) return `the storage does not take it (${code}); whoever runs this library must put that right`;
  if (code) return `the storage does not take it (${code}); try again in a moment`;
  return statusMessage(request.status);
}

export function summary({ added, known, trashed, refused, skipped }) {
  const parts = [
    added && `${NUMBER.format(added)} added`,
    known && `${NUMBER.format(known)} already here`,
    trashed && `${NUMBER.format(trashed)} already here, in the trash`,
    refused && `${NUMBER.format(refused)} not accepted`,
    skipped && `${NUMBER.format(skipped)} other files passed over`,
  ];
  return parts.filter(Boolean).join(", ");
}

export function timeLeft(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s left`;
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min left`;
  return `${(seconds / 3_600).toFixed(1)} h left`;
}
