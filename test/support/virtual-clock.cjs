/**
 * Loaded before a program: stops its monotonic clock and timers. They advance only when the parent sends a number of
 * milliseconds. The reply is the time left on each timer, shortest first.
 */
let now = 0;
const timers = new Set();

class Timer {
  constructor(expired, ms) {
    this.expired = expired;
    this.ms = ms;
    this.refresh();
  }
  refresh() {
    this.at = now + this.ms;
    timers.add(this);
    return this;
  }
  ref() {
    return this;
  }
  unref() {
    return this;
  }
}

process.hrtime = () => [Math.floor(now / 1_000), (now % 1_000) * 1_000_000];
globalThis.setTimeout = (expired, ms, ...args) => new Timer(() => expired(...args), ms);
globalThis.clearTimeout = (timer) => timers.delete(timer);

process.on("message", (ms) => {
  now += ms;
  for (const timer of [...timers].sort((one, other) => one.at - other.at)) {
    if (timer.at <= now && timers.delete(timer)) timer.expired();
  }
  process.send([...timers].map(({ at }) => at - now).sort((one, other) => one - other));
});
// The program may exit while waiting for its parent.
process.channel.unref();
