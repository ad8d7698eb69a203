import type { ReactNode } from 'react';

/** A control under its label. */
export function Field({ label, children }: { label: string; children: ReactNode }): JSX.Element {
  return (
    <label className="odhtec-Field">
      <span>{label}</span>
      {children}
    </label>
  );
}
