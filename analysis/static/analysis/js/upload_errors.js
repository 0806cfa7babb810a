// Why the upload of a file ended.

// The connection broke or the server is down: the same file is sent again later.
export class ConnectionLost extends Error {}

export class SignedOut extends Error {}

export class UploadRefused extends Error {
  constructor(text, canRetry, status = 0) {
    super(text);
    this.canRetry = canRetry;
    this.status = status;
  }
}
