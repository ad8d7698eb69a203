import { cloneElement, isValidElement, useId, type ReactElement, type ReactNode } from 'react';

export interface IFieldProps {
  label: string;
  /** Text below the control that screen readers read with it. */
  hint?: ReactNode;
  /** Why its content is not valid. */
  error?: string | null;
  className?: string;
  children: ReactNode;
}

/** A control under its label. */
export function Field({ label, hint, error, className, children }: IFieldProps): JSX.Element {
  const id = useId();
  const described = (error || hint) && isValidElement(children);
  return (
    <div className={`odhtec-Field ${className ?? ''}`}>
      <label>
        <span>{label}</span>
        {described
          ? cloneElement(children as ReactElement<Record<string, unknown>>, {
              'aria-describedby': id,
              'aria-invalid': error ? true : undefined
            })
          : children}
      </label>
      {(error || hint) && (
        <span id={id} className={error ? 'odhtec-Form-error' : 'odhtec-Field-hint'}>
          {error || hint}
        </span>
      )}
    </div>
  );
}
