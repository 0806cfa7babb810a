// A transfer rate over the last five seconds: steady enough to read, recent enough to be true.
export class TransferRate {
  samples = [];

  // Bytes per second for a new total; 0 until there are enough samples.
  update(total) {
    const now = performance.now();
    this.samples.push([now, total]);
    while (this.samples.length > 2 && now - this.samples[0][0] > 5_000) this.samples.shift();
    const [[start, startTotal]] = this.samples;
    return now - start > 300 ? ((total - startTotal) / (now - start)) * 1_000 : 0;
  }
}
