/** Shares of one as the percentages people write, without a float between. */

/** Moves the decimal point of a decimal string: by 2 a share becomes a percentage, by -2 the other way. */
export function shifted(text: string, places: number): string {
  const match = /^(\d+)(?:\.(\d+))?$/.exec(text.trim());
  if (!match) return text.trim(); // not a number: the server says so beside its field
  const fraction = match[2] ?? "";
  const digits = `${match[1]}${fraction}`.padStart(fraction.length + Math.max(-places, 0) + 1, "0");
  const point = digits.length - fraction.length + places;
  const whole = digits.padEnd(point, "0").slice(0, point).replace(/^0+(?=\d)/, "");
  const rest = digits.slice(point).replace(/0+$/, "");
  return rest ? `${whole}.${rest}` : whole;
}

export const percent = (share: string | null | undefined): string => (share ? shifted(share, 2) : "");
export const share = (text: string): string | null => (text.trim() ? shifted(text, -2) : null);
