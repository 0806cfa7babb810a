// Errors that end the upload of a file.

// The connection was lost or the server is down; the same file is sent again later.
export class ConnectionLost extends Error {}

export class SignedOut extends Error {}

export class UploadRefused extends Error {
  constructor(text, canRetry, status = 0) {
    super(text);
    this.canRetry = canRetry;
    this.status = status;
  }
}
