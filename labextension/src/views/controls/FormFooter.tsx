import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactNode } from 'react';

export interface IFormFooterProps {
  /** The error of the last action. */
  error?: ReactNode;
  /** A required choice, placed where it cannot be overlooked. */
  choice?: ReactNode;
  /** The progress, or what will happen. */
  status?: ReactNode;
  onClose: () => void;
  closeLabel?: string;
  /** The action buttons. */
  children?: ReactNode;
  trans: TranslationBundle;
}

/** The messages and buttons of a form: always visible while the fields scroll. */
export function FormFooter(props: IFormFooterProps): JSX.Element {
  const { error, status, trans } = props;
  return (
    <div className="odhtec-Form-foot">
      {props.choice}
      <div role="status" className="odhtec-Form-status">
        {status}
      </div>
      {error && (
        <div className="odhtec-Form-error" role="alert">
          {error}
        </div>
      )}
      <div className="odhtec-Form-buttons">
        <button
          type="button"
          className="jp-Dialog-button jp-mod-styled jp-mod-reject"
          onClick={props.onClose}
        >
          {props.closeLabel ?? trans.__('Cancel')}
        </button>
        {props.children}
      </div>
    </div>
  );
}

/** The main action of a form. */
export function MainButton(props: {
  label: string;
  disabled?: boolean;
  warn?: boolean;
  onClick?: () => void;
}): JSX.Element {
  return (
    <button
      type={props.onClick ? 'button' : 'submit'}
      className={`jp-Dialog-button jp-mod-styled ${props.warn ? 'jp-mod-warn' : 'jp-mod-accept'}`}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      {props.label}
    </button>
  );
}
