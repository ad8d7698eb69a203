import { useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';

export interface ITab {
  label: string;
  content: ReactNode;
}

/** Tabbed pages. The arrow keys change the page; hidden pages keep their state. */
export function Tabs({ label, tabs }: { label: string; tabs: readonly ITab[] }): JSX.Element {
  const id = useId();
  const [shown, setShown] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) {
      event.preventDefault();
      event.stopPropagation();
      const next = (shown + step + tabs.length) % tabs.length;
      setShown(next);
      (list.current!.children[next] as HTMLElement).focus();
    }
  };
  return (
    <>
      <div
        ref={list}
        role="tablist"
        className="odhtec-Tabs"
        aria-label={label}
        onKeyDown={onKeyDown}
      >
        {tabs.map((tab, index) => (
          <button
            key={tab.label}
            type="button"
            role="tab"
            id={`${id}-tab-${index}`}
            aria-selected={index === shown}
            aria-controls={`${id}-page-${index}`}
            tabIndex={index === shown ? 0 : -1}
            onClick={() => setShown(index)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      {tabs.map((tab, index) => (
        <div
          key={tab.label}
          role="tabpanel"
          id={`${id}-page-${index}`}
          aria-labelledby={`${id}-tab-${index}`}
          hidden={index !== shown}
        >
          {tab.content}
        </div>
      ))}
    </>
  );
}
