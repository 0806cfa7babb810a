// SHA-256 of a file of any size, read in portions, also in insecure contexts.
const PORTION = 1024 ** 2;
const WHOLE = 16 * 1024 ** 2;

// Hexadecimal; empty if the file can't be read, in which case the server detects duplicates itself.
export async function hashOf(file) {
  try {
    if (globalThis.crypto?.subtle && file.size <= WHOLE) {
      return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer())));
    }
    // Not crypto.subtle.digest, which takes the whole file at once: a gigabyte would have to be in memory.
    const hash = new Sha256();
    for (let start = 0; start < file.size; start += PORTION) {
      hash.update(new Uint8Array(await file.slice(start, start + PORTION).arrayBuffer()));
    }
    return hex(hash.digest());
  } catch (error) {
    if (error instanceof DOMException) return "";
    throw error;
  }
}

const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

// FIPS 180-4. The constants are the first bits of the fractional parts of roots of the first primes.
const PRIMES = [];
for (let number = 2; PRIMES.length < 64; number += 1) if (PRIMES.every((prime) => number % prime)) PRIMES.push(number);
const fraction = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
const K = Int32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const START = Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

export class Sha256 {
  state = START.slice();
  words = new Int32Array(64);
  rest = new Uint8Array(64);
  restLength = 0;
  length = 0;

  update(bytes) {
    this.length += bytes.length;
    let position = 0;
    if (this.restLength) {
      position = Math.min(64 - this.restLength, bytes.length);
      this.rest.set(bytes.subarray(0, position), this.restLength);
      this.restLength += position;
      if (this.restLength < 64) return;
      this.block(this.rest, 0);
      this.restLength = 0;
    }
    for (; position + 64 <= bytes.length; position += 64) this.block(bytes, position);
    this.rest.set(bytes.subarray(position));
    this.restLength = bytes.length - position;
  }

  digest() {
    const { length } = this;
    const padding = new Uint8Array(((119 - (length % 64)) % 64) + 9);
    const view = new DataView(padding.buffer);
    padding[0] = 0x80;
    view.setUint32(padding.length - 8, Math.floor(length / 2 ** 29));
    view.setUint32(padding.length - 4, (length * 8) % 2 ** 32);
    this.update(padding);
    const result = new DataView(new ArrayBuffer(32));
    this.state.forEach((word, index) => result.setInt32(4 * index, word));
    return new Uint8Array(result.buffer);
  }

  block(bytes, start) {
    const { state, words } = this;
    for (let i = 0, at = start; i < 16; i += 1, at += 4) {
      words[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    }
    for (let i = 16; i < 64; i += 1) {
      const x = words[i - 15];
      const y = words[i - 2];
      const low = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const high = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      words[i] = (words[i - 16] + low + words[i - 7] + high) | 0;
    }
    // Assigned one by one, as destructuring an array for each 64 bytes costs more than the sums.
    let [a, b, c, d] = [state[0], state[1], state[2], state[3]];
    let [e, f, g, h] = [state[4], state[5], state[6], state[7]];
    for (let i = 0; i < 64; i += 1) {
      const high = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const first = (h + high + ((e & f) ^ (~e & g)) + K[i] + words[i]) | 0;
      const low = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const second = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + second) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }
}
