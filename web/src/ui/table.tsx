/** A table that stays quick with thousands of rows: beyond a screenful only what is in sight is drawn. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useRef } from "react";
import { cx } from "./basics";

export interface Column<Row> {
  key: string;
  head: ReactNode;
  cell: (row: Row) => ReactNode;
  /** Figures stand at the right, so that their digits line up. */
  right?: boolean;
  /** Left out where the screen is narrow. */
  wide?: boolean;
}

interface TableProps<Row> {
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  keyOf: (row: Row) => string;
  label: string;
  empty?: ReactNode;
  isCurrent?: (row: Row) => boolean;
}

const DRAWN_AT_ONCE_MAX = 60;
const ROW_PX = 45;

export function Table<Row>(props: TableProps<Row>) {
  if (props.rows.length === 0) return <>{props.empty}</>;
  return props.rows.length > DRAWN_AT_ONCE_MAX ? <LongTable {...props} /> : <ShortTable {...props} />;
}

const side = (column: { right?: boolean; wide?: boolean }): string => cx("px-3 first:pl-4 last:pr-4", column.right ? "text-right" : "text-left", column.wide && "hidden md:table-cell");

function Head<Row>({ columns }: { columns: readonly Column<Row>[] }) {
  return (
    <thead className="sticky top-0 z-1 bg-panel">
      <tr className="border-b border-line text-xs text-quiet">
        {columns.map((column) => <th key={column.key} scope="col" className={cx("h-9 font-medium whitespace-nowrap", side(column))}>{column.head}</th>)}
      </tr>
    </thead>
  );
}

function Cells<Row>({ row, columns }: { row: Row; columns: readonly Column<Row>[] }) {
  return <>{columns.map((column) => <td key={column.key} className={cx("h-11 py-1", side(column))}>{column.cell(row)}</td>)}</>;
}

function ShortTable<Row>({ rows, columns, keyOf, label, isCurrent }: TableProps<Row>) {
  return (
    // A region that scrolls must be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="overflow-x-auto" role="region" aria-label={label} tabIndex={0}>
      <table>
        <Head columns={columns} />
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)} aria-current={isCurrent?.(row) || undefined} className="border-b border-line/60 last:border-0 hover:bg-raised/60 aria-[current]:bg-raised">
              <Cells row={row} columns={columns} />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function LongTable<Row>({ rows, columns, keyOf, label, isCurrent }: TableProps<Row>) {
  const box = useRef<HTMLDivElement>(null);
  const view = useVirtualizer({ count: rows.length, getScrollElement: () => box.current, estimateSize: () => ROW_PX, overscan: 12 });
  const drawn = view.getVirtualItems();
  const above = drawn[0]?.start ?? 0;
  const below = view.getTotalSize() - (drawn.at(-1)?.end ?? 0);
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div ref={box} className="max-h-[70dvh] overflow-auto" role="region" aria-label={label} tabIndex={0}>
      <table aria-rowcount={rows.length}>
        <Head columns={columns} />
        <tbody>
          {above > 0 && <tr aria-hidden="true"><td style={{ height: above }} /></tr>}
          {drawn.map(({ index }) => {
            const row = rows[index];
            if (row === undefined) return null;
            return (
              <tr key={keyOf(row)} aria-rowindex={index + 1} aria-current={isCurrent?.(row) || undefined} className="h-[45px] border-b border-line/60 hover:bg-raised/60 aria-[current]:bg-raised">
                <Cells row={row} columns={columns} />
              </tr>
            );
          })}
          {below > 0 && <tr aria-hidden="true"><td style={{ height: below }} /></tr>}
        </tbody>
      </table>
    </div>
  );
}
