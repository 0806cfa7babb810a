// Errors, counts and remaining time of uploads as text.
import { message } from "./messages.js";

export function statusMessage(status) {
  if (status === 413) return message("file-too-large");
  if (status === 403) return message("page-expired");
  return message("server-refused", { status });
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

// S3 responds with XML, our own server with plain text.
export function storageMessage(request) {
  if (request.getResponseHeader("Content-Type")?.startsWith("text/plain")) return request.responseText;
  const xml = new DOMParser().parseFromString(request.responseText, "text/xml");
  const code = xml.querySelector("Code")?.textContent;
  const detail = xml.querySelector("Message")?.textContent ?? "";
  if (code === "EntityTooLarge") return message("larger-than-declared");
  if (code === "EntityTooSmall") return message("smaller-than-declared");
  if (/policy expired/i.test(detail)) return message("upload-expired");
  if (CONFIGURATION_ERRORS.has(code)) return message("storage-misconfigured", { code });
  if (code) return message("storage-refused", { code });
  return statusMessage(request.status);
}

export function summary({ added, duplicates, trashed, refused, skipped }) {
  const parts = [
    added && message("added", { number: added }),
    duplicates && message("already-here", { number: duplicates }),
    trashed && message("already-in-trash", { number: trashed }),
    refused && message("rejected", { number: refused }),
    skipped && message("other-files", { number: skipped }),
  ];
  return parts.filter(Boolean).join(", ");
}

export function timeLeft(seconds) {
  if (seconds < 60) return message("seconds-left", { number: Math.max(1, Math.round(seconds)) });
  if (seconds < 3_600) return message("minutes-left", { number: Math.round(seconds / 60) });
  return message("hours-left", { number: Math.round(seconds / 360) / 10 });
}
