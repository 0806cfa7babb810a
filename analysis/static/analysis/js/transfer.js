// A request that sends a file or a part of one. XMLHttpRequest, since fetch does not report upload progress.
import { ConnectionLost, UploadRefused } from "./upload_errors.js";
import { storageMessage } from "./upload_messages.js";

export function transfer(method, url, body, onProgress) {
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    request.upload.onprogress = (event) => onProgress(event.total ? event.loaded / event.total : 0);
    request.onload = () => {
      const { status } = request;
      if (status >= 200 && status < 300) resolve();
      else reject(new UploadRefused(storageMessage(request), status !== 413, status));
    };
    request.onerror = () => reject(new ConnectionLost());
    request.open(method, url);
    request.send(body);
  });
}
