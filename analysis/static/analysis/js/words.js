// Numbers and outcomes as the upload page says them.
export const NUMBER = new Intl.NumberFormat("en");

export function sentenceOf(status) {
  if (status === 413) return "it is larger than the server accepts";
  if (status === 403) return "the page is too old; reload it and choose the file again";
  return `the server could not take it (status ${status}); try again in a moment`;
}

const OURS_TO_MEND = new Set([
  "AccessDenied",
  "ExpiredToken",
  "InvalidAccessKeyId",
  "NoSuchBucket",
  "PermanentRedirect",
  "RequestTimeTooSkewed",
  "SignatureDoesNotMatch",
]);

// What a storage says is XML, what we say is a sentence.
export function storageSentenceOf(request) {
  if (request.getResponseHeader("Content-Type")?.startsWith("text/plain")) return request.responseText;
  const said = new DOMParser().parseFromString(request.responseText, "text/xml");
  const code = said.querySelector("Code")?.textContent;
  const message = said.querySelector("Message")?.textContent ?? "";
  if (code === "EntityTooLarge") return "it is larger than was said; choose it again";
  if (code === "EntityTooSmall") return "it is smaller than was said; choose it again";
  if (/policy expired/i.test(message)) return "it took too long and its time is over; send it again";
  if (OURS_TO_MEND.has(code)) return `the storage does not take it (${code}); whoever runs this library must put that right`;
  if (code) return `the storage does not take it (${code}); try again in a moment`;
  return sentenceOf(request.status);
}

export function summary({ added, known, trashed, refused, passed }) {
  const parts = [
    added && `${NUMBER.format(added)} added`,
    known && `${NUMBER.format(known)} already here`,
    trashed && `${NUMBER.format(trashed)} already here, in the trash`,
    refused && `${NUMBER.format(refused)} not accepted`,
    passed && `${NUMBER.format(passed)} other files passed over`,
  ];
  return parts.filter(Boolean).join(", ");
}

export function duration(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s left`;
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min left`;
  return `${(seconds / 3_600).toFixed(1)} h left`;
}
