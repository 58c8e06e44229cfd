/** The little arithmetic the client does itself, on decimal strings by way of whole numbers. */

const PLACES = 8;

function scaled(value: string): bigint | null {
  const match = /^(-?)(\d+)(?:\.(\d{1,8}))?$/.exec(value.trim());
  if (!match) return null;
  const amount = BigInt(`${match[2]}${(match[3] ?? "").padEnd(PLACES, "0")}`);
  return match[1] ? -amount : amount;
}

function unscaled(amount: bigint): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(PLACES + 1, "0");
  const fraction = digits.slice(-PLACES).replace(/0+$/, "");
  return `${amount < 0n ? "-" : ""}${digits.slice(0, -PLACES)}${fraction ? `.${fraction}` : ""}`;
}

export function isDecimal(value: string): boolean {
  return scaled(value) !== null;
}

export function plus(a: string, b: string): string {
  return unscaled((scaled(a) ?? 0n) + (scaled(b) ?? 0n));
}

export function minus(a: string, b: string): string {
  return unscaled((scaled(a) ?? 0n) - (scaled(b) ?? 0n));
}

export function compare(a: string, b: string): -1 | 0 | 1 {
  const difference = (scaled(a) ?? 0n) - (scaled(b) ?? 0n);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The whole part of a divided by b, as shares are bought; 0 where b is not above zero. */
export function wholeTimes(a: string, b: string): string {
  const divisor = scaled(b) ?? 0n;
  if (divisor <= 0n) return "0";
  return ((scaled(a) ?? 0n) / divisor).toString();
}

/** A percentage of an amount, down to whole numbers. */
export function shareOf(amount: string, percent: number): string {
  return ((BigInt(amount.split(".")[0] || "0") * BigInt(percent)) / 100n).toString();
}
