// Numbers and outcomes as the upload page says them.
import { NUMBER, message } from "./messages.js";

export { NUMBER };

export function sentenceOf(status) {
  if (status === 413) return message("file-too-large");
  if (status === 403) return message("page-expired");
  return message("server-refused", { status });
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
  const detail = said.querySelector("Message")?.textContent ?? "";
  if (code === "EntityTooLarge") return message("larger-than-declared");
  if (code === "EntityTooSmall") return message("smaller-than-declared");
  if (/policy expired/i.test(detail)) return message("upload-expired");
  if (OURS_TO_MEND.has(code)) return message("storage-misconfigured", { code });
  if (code) return message("storage-refused", { code });
  return sentenceOf(request.status);
}

export function summary({ added, known, trashed, refused, passed }) {
  const parts = [
    added && message("added", { number: added }),
    known && message("already-here", { number: known }),
    trashed && message("already-in-trash", { number: trashed }),
    refused && message("not-accepted", { number: refused }),
    passed && message("other-files", { number: passed }),
  ];
  return parts.filter(Boolean).join(", ");
}

export function duration(seconds) {
  if (seconds < 60) return message("seconds-left", { number: Math.max(1, Math.round(seconds)) });
  if (seconds < 3_600) return message("minutes-left", { number: Math.round(seconds / 60) });
  return message("hours-left", { number: Math.round(seconds / 360) / 10 });
}
