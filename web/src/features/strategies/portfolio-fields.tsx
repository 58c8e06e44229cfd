/** From which stocks a strategy chooses, by what it ranks them, how many it holds, and how often it looks. */
import { useWords } from "@/lib/words";
import { Button, Card } from "@/ui/basics";
import { Area, Input, Segments, Select } from "@/ui/form";
import { BOARDS, FACTORS_MAX, KINDS, type Market, movedTo, PERIODS, type PortfolioForm, ranked, toggled } from "./portfolio-form";
import { RuleField } from "./rule-field";

const MARKETS: readonly Market[] = ["KRX", "US"];

interface PartProps { form: PortfolioForm; onForm: (form: PortfolioForm) => void; parameters?: boolean }

/** With `parameters` its ranking may name some in braces. */
export function PortfolioFields({ form, onForm, parameters }: PartProps) {
  return <><UniverseFields form={form} onForm={onForm} /><RankingFields form={form} onForm={onForm} parameters={parameters} /></>;
}

function UniverseFields({ form, onForm }: PartProps) {
  const { t, named } = useWords();
  return (
    <Card title={t("many.universe")}>
      <div className="grid gap-4">
        <Segments label={t("screen.market")} value={form.market} options={MARKETS.map((each) => [each, named("market", each)])} onChange={(market) => onForm(movedTo(market, form))} />
        {BOARDS[form.market].length > 0 && <Choices label={t("many.boards")} all={BOARDS[form.market]} chosen={form.boards} onToggle={(board) => onForm({ ...form, boards: toggled(form.boards, board) })} nameOf={(board) => board} />}
        <Choices label={t("many.kinds")} all={KINDS} chosen={form.kinds} onToggle={(kind) => onForm({ ...form, kinds: toggled(form.kinds, kind) })} nameOf={(kind) => named("many.kind", kind)} />
        <p className="text-xs text-quiet">{t("many.all")}</p>
        <Area name="symbols" label={<>{t("many.symbols")} {t("app.optional")}</>} rows={2} spellCheck={false} autoCapitalize="characters" value={form.symbols} onText={(symbols) => onForm({ ...form, symbols })} hint={t("many.symbols.hint")} />
      </div>
    </Card>
  );
}

interface ChoicesProps<T extends string> { label: string; all: readonly T[]; chosen: readonly T[]; onToggle: (one: T) => void; nameOf: (one: T) => string }

/** Any of a few, as buttons that stay pressed. */
function Choices<T extends string>({ label, all, chosen, onToggle, nameOf }: ChoicesProps<T>) {
  return (
    <div role="group" aria-label={label} className="grid gap-1">
      <span aria-hidden="true" className="text-sm font-medium text-quiet">{label}</span>
      <div className="flex flex-wrap gap-1.5">
        {all.map((each) => (
          <button key={each} type="button" aria-pressed={chosen.includes(each)} onClick={() => onToggle(each)}
            className="min-h-10 rounded-lg border border-line px-3 text-sm font-semibold text-quiet aria-pressed:border-accent aria-pressed:text-accent">{nameOf(each)}</button>
        ))}
      </div>
    </div>
  );
}

function RankingFields({ form, onForm, parameters }: PartProps) {
  const { t, named } = useWords();
  const add = (): void => onForm({ ...form, ranking: [...form.ranking, { factor: "", weight: "1" }] });
  return (
    <Card title={t("many.ranking")}>
      <div className="grid gap-4">
        <p className="text-xs text-quiet">{t("many.ranking.hint")}</p>
        {form.ranking.map((each, place) => (
          // A place in the list is what the platform's errors name, and is the only name it has.
          <div key={place} role="group" aria-label={t("many.place", { place: place + 1 })} className="grid grid-cols-[1fr_5.5rem] items-start gap-3">
            <RuleField number figures parameters={parameters} name={`portfolio.ranking.${place}.factor`} label={t("many.factor")} value={each.factor} onText={(factor) => onForm(ranked(form, place, { factor }))} />
            <div className="grid gap-1.5">
              <Input name={`portfolio.ranking.${place}.weight`} label={t("many.weight")} value={each.weight} onText={(weight) => onForm(ranked(form, place, { weight }))} className="num" />
              {form.ranking.length > 1 && <Button size="small" onClick={() => onForm(ranked(form, place, null))} aria-label={t("many.remove", { place: place + 1 })}>{t("app.remove")}</Button>}
            </div>
          </div>
        ))}
        {form.ranking.length < FACTORS_MAX && <Button size="small" className="w-fit" onClick={add}>{t("many.add")}</Button>}
        <div className="grid grid-cols-3 items-end gap-3">
          <Input name="positions" label={t("many.positions")} inputMode="decimal" value={form.positions} onText={(positions) => onForm({ ...form, positions })} />
          <Select name="every" label={t("many.every")} value={form.every} onText={(every) => onForm({ ...form, every: every as PortfolioForm["every"] })} options={PERIODS.map((each) => [each, named("many.every", each)])} />
          <Input name="tolerance" label={t("many.tolerance")} inputMode="decimal" value={form.tolerance} onText={(tolerance) => onForm({ ...form, tolerance })} />
        </div>
        <p className="text-xs text-quiet">{t("many.tolerance.hint")}</p>
      </div>
    </Card>
  );
}
