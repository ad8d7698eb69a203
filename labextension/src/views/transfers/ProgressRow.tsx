import type { ReactNode } from 'react';

export type RowState = 'active' | 'paused' | 'completed' | 'failed' | 'cancelled';

export interface IProgressRowProps {
  title: string;
  tooltip: string;
  /** Between 0 and 1; null when the total is not known yet. */
  fraction: number | null;
  state: RowState;
  /** Texts for the line below the bar; empty ones are left out. */
  facts: readonly (string | null)[];
  error: string | null;
  /** Before the title: the button that opens the details. */
  lead?: ReactNode;
  buttons: ReactNode;
  /** Below everything: further text and details. */
  children?: ReactNode;
}

/** One task with a progress bar. */
export function ProgressRow(props: IProgressRowProps): JSX.Element {
  const percent =
    props.fraction === null ? undefined : Math.floor(Math.min(1, props.fraction) * 100);
  return (
    <li className={`odhtec-Progress odhtec-mod-${props.state}`} title={props.tooltip}>
      <div className="odhtec-Progress-head">
        {props.lead}
        <span className="odhtec-Progress-title">{props.title}</span>
        {props.buttons}
      </div>
      {(props.state === 'active' || props.state === 'paused') && (
        <div
          role="progressbar"
          className={`odhtec-Progress-bar ${percent === undefined ? 'odhtec-mod-unknown' : ''}`}
          aria-label={props.title}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={percent}
        >
          <div style={{ width: percent === undefined ? undefined : `${percent}%` }} />
        </div>
      )}
      <div className="odhtec-Progress-facts">{props.facts.filter(Boolean).join(' · ')}</div>
      {props.error && (
        <div className="odhtec-Progress-error" role="alert">
          {props.error}
        </div>
      )}
      {props.children}
    </li>
  );
}
