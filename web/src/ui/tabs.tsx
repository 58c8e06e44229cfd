/** Several views of one thing; the arrows move between their names. */
import * as Radix from "@radix-ui/react-tabs";
import type { ReactNode } from "react";

interface TabsProps { label: string; tabs: readonly { key: string; name: ReactNode; body: ReactNode }[]; value?: string; onChange?: (key: string) => void }

export function Tabs({ label, tabs, value, onChange }: TabsProps) {
  return (
    <Radix.Root {...(value === undefined ? { defaultValue: tabs[0]?.key ?? "" } : { value })} {...(onChange ? { onValueChange: onChange } : {})}>
      <Radix.List aria-label={label} className="mb-4 flex gap-1 overflow-x-auto border-b border-line">
        {tabs.map((tab) => (
          <Radix.Trigger key={tab.key} value={tab.key} className="-mb-px border-b-2 border-transparent px-3 py-2 text-sm font-semibold whitespace-nowrap text-quiet hover:text-ink data-[state=active]:border-accent data-[state=active]:text-ink">
            {tab.name}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {tabs.map((tab) => <Radix.Content key={tab.key} value={tab.key} className="grid gap-4">{tab.body}</Radix.Content>)}
    </Radix.Root>
  );
}
