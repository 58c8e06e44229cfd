/** Inputs that name themselves, and say beside themselves what is wrong with what they hold. */
import * as RadixSwitch from "@radix-ui/react-switch";
import { createContext, type FormEvent, type InputHTMLAttributes, type ReactNode, type RefObject, type SelectHTMLAttributes, type TextareaHTMLAttributes, useContext, useEffect, useId, useRef, useState } from "react";
import { aboutForm, explain, fieldErrors } from "@/api/problem";
import { useWords } from "@/lib/words";
import { cx, Note } from "./basics";

const Errors = createContext<Record<string, string>>({});

interface FormProps {
  onSubmit: () => void;
  /** What the last try ended with: shown beside the fields it names, and at the head of the form where it names none of them. */
  error?: unknown;
  children: ReactNode;
  className?: string;
  label?: string;
}

export function Form({ onSubmit, error, children, className, label }: FormProps) {
  const { language } = useWords();
  const box = useRef<HTMLFormElement>(null);
  const errors = fieldErrors(error, language);
  const homeless = useHomeless(box, errors);
  const sent = useRef(false);
  // Whoever has pressed the button sees what was wrong with it, wherever on the page that stands.
  useEffect(() => {
    if (!error || !sent.current) return;
    sent.current = false;
    box.current?.querySelector("[aria-invalid=true], [role=alert]")?.scrollIntoView({ block: "nearest" });
  }, [error, homeless]);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    sent.current = true;
    onSubmit();
  };
  return (
    <Errors.Provider value={errors}>
      <form ref={box} noValidate onSubmit={submit} className={cx("grid gap-3", className)} aria-label={label}>
        {homeless.length > 0 && <Note tone="bad" role="alert">{homeless.map((name) => <p key={name}>{aboutForm(name, errors[name] ?? "", language)}</p>)}</Note>}
        {children}
        {Boolean(error) && Object.keys(errors).length === 0 && <Note tone="bad" role="alert">{explain(error, language)}</Note>}
      </form>
    </Errors.Provider>
  );
}

/** The errors that no input of the form stands for. What is folded away opens where one of its inputs is wrong. */
function useHomeless(box: RefObject<HTMLFormElement | null>, errors: Record<string, string>): string[] {
  const [homeless, setHomeless] = useState<string[]>([]);
  const names = Object.keys(errors).join("\n");
  useEffect(() => {
    const inputOf = (name: string) => box.current?.querySelector(`[name="${CSS.escape(name)}"]`);
    const wrong = names ? names.split("\n") : [];
    setHomeless(wrong.filter((name) => !inputOf(name)));
    for (const name of wrong) inputOf(name)?.closest("details")?.setAttribute("open", "");
  }, [box, names]);
  return homeless;
}

interface FieldProps {
  name: string;
  label: ReactNode;
  hint?: ReactNode;
  /** A sentence about the value as it is now, before anything is sent. */
  problem?: string | null;
  className?: string;
}

function Field({ name, label, hint, problem, className, children }: FieldProps & { children: (attributes: { id: string; "aria-invalid"?: true; "aria-describedby"?: string }) => ReactNode }) {
  const id = useId();
  const wrong = useContext(Errors)[name] ?? problem;
  const described = [wrong && `${id}-wrong`, hint && `${id}-hint`].filter(Boolean).join(" ");
  return (
    <div className={cx("grid content-start gap-1", className)}>
      <label htmlFor={id} className="text-sm font-medium text-quiet">{label}</label>
      {children({ id, ...(wrong ? { "aria-invalid": true as const } : {}), ...(described ? { "aria-describedby": described } : {}) })}
      {wrong && <p id={`${id}-wrong`} role="alert" className="text-sm text-bad">{wrong}</p>}
      {hint && <p id={`${id}-hint`} className="text-xs text-quiet">{hint}</p>}
    </div>
  );
}

const BOX = "min-h-10 w-full min-w-0 rounded-lg border border-line px-3 text-ink placeholder:text-quiet/80 focus:border-accent aria-[invalid=true]:border-bad";

type InputProps = FieldProps & Omit<InputHTMLAttributes<HTMLInputElement>, "name"> & { onText?: (text: string) => void };

export function Input({ name, label, hint, problem, className, onText, ...rest }: InputProps) {
  return (
    <Field {...{ name, label, hint, problem, className }}>
      {(attributes) => (
        <input {...rest} {...attributes} name={name} onChange={(event) => onText?.(event.target.value)} className={cx(BOX, "bg-page", rest.inputMode === "decimal" && "num text-right")} />
      )}
    </Field>
  );
}

type AreaProps = FieldProps & Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, "name"> & {
  onText?: (text: string) => void;
  /** The same text, letter by letter, with marks in it: drawn under the letters that are typed. */
  behind?: ReactNode;
};

export function Area({ name, label, hint, problem, className, onText, behind, ...rest }: AreaProps) {
  const under = useRef<HTMLDivElement>(null);
  return (
    <Field {...{ name, label, hint, problem, className }}>
      {(attributes) => (
        <div className="relative grid rounded-lg bg-page">
          {behind && <div ref={under} aria-hidden="true" className="pointer-events-none absolute inset-0 overflow-hidden border border-transparent px-3 py-2 font-mono text-sm break-words whitespace-pre-wrap text-transparent">{behind}</div>}
          <textarea {...rest} {...attributes} name={name} onChange={(event) => onText?.(event.target.value)}
            onScroll={(event) => under.current && (under.current.scrollTop = event.currentTarget.scrollTop)}
            className={cx(BOX, "relative bg-transparent py-2 font-mono text-sm")} />
        </div>
      )}
    </Field>
  );
}

type SelectProps = FieldProps & Omit<SelectHTMLAttributes<HTMLSelectElement>, "name"> & {
  options: readonly (readonly [value: string, label: string])[];
  onText?: (text: string) => void;
};

/** The platform's own list: it works with a thumb, a keyboard and a screen reader alike. */
export function Select({ name, label, hint, problem, className, options, onText, ...rest }: SelectProps) {
  return (
    <Field {...{ name, label, hint, problem, className }}>
      {(attributes) => (
        <select {...rest} {...attributes} name={name} onChange={(event) => onText?.(event.target.value)} className={cx(BOX, "bg-page")}>
          {options.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
        </select>
      )}
    </Field>
  );
}

interface ToggleProps { label: ReactNode; hint?: ReactNode; on: boolean; onChange: (on: boolean) => void; disabled?: boolean }

export function Toggle({ label, hint, on, onChange, disabled }: ToggleProps) {
  const id = useId();
  return (
    <div className="flex items-center justify-between gap-4 py-1">
      <div>
        <label htmlFor={id} className="font-medium">{label}</label>
        {hint && <p className="text-xs text-quiet">{hint}</p>}
      </div>
      <RadixSwitch.Root id={id} checked={on} onCheckedChange={onChange} disabled={disabled} className="h-6 w-11 shrink-0 rounded-full border border-quiet bg-raised p-0.5 transition data-[state=checked]:border-accent data-[state=checked]:bg-accent">
        <RadixSwitch.Thumb className="block size-4.5 rounded-full bg-quiet transition data-[state=checked]:translate-x-5 data-[state=checked]:bg-on-accent" />
      </RadixSwitch.Root>
    </div>
  );
}

interface SegmentsProps<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [value: T, label: ReactNode])[];
  onChange: (value: T) => void;
  tone?: (value: T) => string;
  grow?: boolean;
}

/** One of a few, all in sight. Native radio buttons: arrows move, one Tab stops. */
export function Segments<T extends string>({ label, value, options, onChange, tone, grow }: SegmentsProps<T>) {
  const name = useId();
  return (
    <fieldset className={cx("flex max-w-full min-w-0 overflow-x-auto rounded-lg border border-line bg-page p-0.5", grow ? "w-full" : "w-fit")}>
      <legend className="sr-only">{label}</legend>
      {options.map(([each, text]) => (
        <label key={each} className={cx("cursor-pointer rounded-md px-3 py-1.5 text-center text-sm font-semibold whitespace-nowrap has-focus-visible:outline-2 has-focus-visible:outline-accent", grow && "flex-1", each === value ? (tone?.(each) ?? "bg-raised text-ink") : "text-quiet hover:text-ink")}>
          <input type="radio" className="sr-only" name={name} value={each} checked={each === value} onChange={() => onChange(each)} />
          {text}
        </label>
      ))}
    </fieldset>
  );
}
