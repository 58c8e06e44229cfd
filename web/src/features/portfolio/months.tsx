/** Returns month by month: the figure is in each cell, the colour only helps the eye. */
import { rate } from "@/lib/format";
import { useWords } from "@/lib/words";

export interface DayReturn { date: string; session_return: number }
type Months = Map<number, (number | null)[]>;

/** Year → the twelve months' compounded returns; null where there was no session. */
export function byMonth(days: readonly DayReturn[]): Months {
  const years: Months = new Map();
  for (const { date, session_return } of days) {
    const year = Number(date.slice(0, 4));
    const month = Number(date.slice(5, 7)) - 1;
    let months = years.get(year);
    if (!months) years.set(year, (months = Array.from({ length: 12 }, () => null)));
    months[month] = (1 + (months[month] ?? 0)) * (1 + session_return) - 1;
  }
  return years;
}

const FULL = 0.1; // a month of ten percent has the full colour

function shade(value: number): string {
  const strength = Math.round(Math.min(Math.abs(value) / FULL, 1) * 45);
  return `color-mix(in srgb, var(${value >= 0 ? "--up" : "--down"}) ${strength}%, transparent)`;
}

export function MonthTable({ days }: { days: readonly DayReturn[] }) {
  const { t, language } = useWords();
  const months = Array.from({ length: 12 }, (_, at) => new Date(Date.UTC(2024, at, 1)).toLocaleDateString(language, { month: "short", timeZone: "UTC" }));
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="overflow-x-auto" role="region" aria-label={t("portfolio.months")} tabIndex={0}>
      <table className="text-xs">
        <thead>
          <tr>
            <th scope="col" className="p-2 text-left text-quiet">{t("portfolio.year")}</th>
            {months.map((month) => <th key={month} scope="col" className="p-2 font-medium text-quiet">{month}</th>)}
            <th scope="col" className="p-2 text-quiet">{t("portfolio.total")}</th>
          </tr>
        </thead>
        <tbody>
          {[...byMonth(days)].sort(([a], [b]) => b - a).map(([year, values]) => (
            <tr key={year}>
              <th scope="row" className="p-2 text-left">{year}</th>
              {values.map((value, at) => <td key={at} className="num p-2 text-center" style={value === null ? undefined : { background: shade(value) }}>{value === null ? "" : rate(language, value, 1)}</td>)}
              <td className="num p-2 text-center font-semibold">{rate(language, values.reduce<number>((all, value) => (1 + all) * (1 + (value ?? 0)) - 1, 0), 1)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
