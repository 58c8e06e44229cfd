/**
 * The platform's time, whatever this device's clock says. Every answer carries the second it was sent in, and was sent
 * between our asking and our hearing: so each bounds how far the device is off, and together they bound it closely.
 */

/** Device to platform, in milliseconds: the platform's time minus the device's lies between these. */
interface Bounds { low: number; high: number }

const SECOND_MS = 1000;
let bounds: Bounds | null = null;

/** One more answer: its `Date` header (whole seconds), and when by the device it was asked and heard. */
export function heardTime(date: string | null, asked: number, heard: number): void {
  const second = date === null ? Number.NaN : Date.parse(date);
  // A device whose clock was put back in between has measured nothing.
  if (Number.isNaN(second) || heard < asked) return;
  const next = { low: second - heard, high: second + SECOND_MS - asked };
  const both = bounds && { low: Math.max(bounds.low, next.low), high: Math.min(bounds.high, next.high) };
  // They cannot both be true when the device's clock was put right, or has drifted since: then the newest is.
  bounds = both && both.low <= both.high ? both : next;
}

/** Milliseconds since 1970 by the platform's clock; by the device's until an answer came. */
export function platformNow(now = Date.now()): number {
  return bounds ? now + (bounds.low + bounds.high) / 2 : now;
}

/** Forgets what was heard, as after a reload. */
export function forgetTime(): void {
  bounds = null;
}
