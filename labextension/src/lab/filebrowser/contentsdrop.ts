import type { MimeData } from '@lumino/coreutils';

import type { ILocation } from '../../list/storage';

/** How Lab's file browser calls the paths that it lets one drag. */
const CONTENTS_MIME = 'application/x-jupyter-icontents';

const EVENTS = ['lm-dragenter', 'lm-dragover', 'lm-dragleave', 'lm-drop'];

/** Lumino's drag events, as far as they are needed; they are none of the browser's own. */
interface ILuminoDrag extends DragEvent {
  readonly mimeData: MimeData;
  readonly proposedAction: string;
  dropAction: string;
}

/** Takes what is dragged out of Lab's file browser onto a node. */
export class ContentsDrop implements EventListenerObject {
  constructor(private readonly _options: ContentsDrop.IOptions) {}

  listen(node: HTMLElement): void {
    EVENTS.forEach(name => node.addEventListener(name, this));
  }

  unlisten(node: HTMLElement): void {
    EVENTS.forEach(name => node.removeEventListener(name, this));
    this._mark(null);
  }

  handleEvent(event: Event): void {
    const drag = event as ILuminoDrag;
    if (!drag.mimeData.hasData(CONTENTS_MIME)) {
      return;
    }
    const target = this._options.target(drag.target as Element);
    if (event.type === 'lm-dragleave' || !target) {
      this._mark(null);
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    // Lab offers nothing but a move; what comes of it is a copy all the same.
    drag.dropAction = drag.proposedAction;
    if (event.type === 'lm-drop') {
      this._mark(null);
      this._options.drop(drag.mimeData.getData(CONTENTS_MIME) as string[], target.location);
    } else {
      this._mark(
        target.folder ?? (drag.currentTarget as HTMLElement).querySelector('.odhtec-Browser')
      );
    }
  }

  private _mark(node: HTMLElement | null): void {
    if (node !== this._marked) {
      this._marked?.classList.remove(...DROP_CLASSES);
      node?.classList.add(node.dataset.prefix === undefined ? DROP_CLASSES[0] : DROP_CLASSES[1]);
      this._marked = node;
    }
  }

  private _marked: HTMLElement | null = null;
}

/** The whole browser, or one folder of it. */
const DROP_CLASSES = ['odhtec-mod-drop', 'odhtec-mod-target'];

export namespace ContentsDrop {
  export interface IOptions {
    /** Where a drop on a node would go; null when nowhere. */
    target: (node: Element) => { location: ILocation; folder: HTMLElement | null } | null;
    drop: (paths: readonly string[], target: ILocation) => void;
  }
}
