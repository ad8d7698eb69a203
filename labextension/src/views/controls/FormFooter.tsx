import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactNode } from 'react';

export interface IFormFooterProps {
  /** Why it did not work. */
  error?: ReactNode;
  /** What has to be decided; here it cannot be overlooked. */
  choice?: ReactNode;
  /** What goes on, or what will happen. */
  status?: ReactNode;
  onClose: () => void;
  closeLabel?: string;
  /** The buttons that do something. */
  children?: ReactNode;
  trans: TranslationBundle;
}

/** What a form says, and its buttons: in sight while the fields scroll. */
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

/** The button that a form is about. */
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
