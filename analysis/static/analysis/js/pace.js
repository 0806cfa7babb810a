// How fast something goes, over the last five seconds: steady enough to read, quick enough to be true.
export class Pace {
  samples = [];

  // What it adds up to in a second; 0 while nobody can tell yet.
  at(total) {
    const now = performance.now();
    this.samples.push([now, total]);
    while (this.samples.length > 2 && now - this.samples[0][0] > 5_000) this.samples.shift();
    const [[then, before]] = this.samples;
    return now - then > 300 ? ((total - before) / (now - then)) * 1_000 : 0;
  }
}
