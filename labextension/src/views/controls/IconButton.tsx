import type { LabIcon } from '@jupyterlab/ui-components';

export interface IIconButtonProps {
  icon: LabIcon;
  label: string;
  /** The tooltip, if it is not the label: for example why the button is disabled. */
  tooltip?: string | null;
  onClick: () => void;
  disabled?: boolean;
  className?: string;
  tabIndex?: number;
  /** For a button that opens something: whether it is open, and the ID of what it opens. */
  expanded?: boolean;
  controls?: string;
}

/** A button with only an icon; its label is the tooltip and the accessible name. */
export function IconButton(props: IIconButtonProps): JSX.Element {
  const { icon: Icon, label } = props;
  return (
    <button
      type="button"
      className={`odhtec-IconButton ${props.className ?? ''}`}
      title={props.tooltip ?? label}
      aria-label={label}
      aria-expanded={props.expanded}
      aria-controls={props.controls}
      disabled={props.disabled}
      tabIndex={props.tabIndex}
      onClick={event => {
        event.stopPropagation();
        props.onClick();
      }}
    >
      <Icon.react tag="span" aria-hidden="true" />
    </button>
  );
}
