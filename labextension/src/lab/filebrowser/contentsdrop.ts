import type { MimeData } from '@lumino/coreutils';

import type { ILocation } from '../../list/storage';

/** The MIME type of paths dragged from Lab's file browser. */
const CONTENTS_MIME = 'application/x-jupyter-icontents';

const EVENTS = ['lm-dragenter', 'lm-dragover', 'lm-dragleave', 'lm-drop'];

/** The parts of Lumino's drag events that are used; they are not DOM events. */
interface ILuminoDrag extends DragEvent {
  readonly mimeData: MimeData;
  readonly proposedAction: string;
  dropAction: string;
}

/** Handles drops from Lab's file browser on a node. */
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
    // Lab only proposes a move; the files are copied all the same.
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

/** The classes of the whole browser and of one folder in it. */
const DROP_CLASSES = ['odhtec-mod-drop', 'odhtec-mod-target'];

export namespace ContentsDrop {
  export interface IOptions {
    /** Return the target of a drop on a node, or null if it is not allowed. */
    target: (node: Element) => { location: ILocation; folder: HTMLElement | null } | null;
    drop: (paths: readonly string[], target: ILocation) => void;
  }
}
