import { useEffect, useRef, useState, type DragEvent } from 'react';

import { connectionOf } from '../../api/bucketaddress';
import type { BrowserModel } from '../../list/browser';
import { draggedRows, endDrag, type IDragged } from '../../list/changes/dragging';
import type { IBrowserActions } from '../actions';

/** The class of the folder that a drop would go into. */
const TARGET_CLASS = 'odhtec-mod-target';

/** Return the element of a folder at a node: a row or a part of the breadcrumb; null for the folder that is shown. */
export function folderAt(target: EventTarget | null): HTMLElement | null {
  return (target as HTMLElement | null)?.closest?.<HTMLElement>('[data-prefix]') ?? null;
}

/** Files from the computer are uploaded where they are dropped; rows are moved there, or copied with Ctrl or ⌘. */
export function useDropping(
  model: BrowserModel,
  actions: IBrowserActions
): {
  over: boolean;
  handlers: Pick<
    React.HTMLAttributes<HTMLElement>,
    'onDragEnter' | 'onDragOver' | 'onDragLeave' | 'onDrop'
  >;
} {
  const [over, setOver] = useState(false);
  const marked = useRef<HTMLElement | null>(null);
  const mark = (folder: HTMLElement | null) => {
    if (marked.current !== folder) {
      marked.current?.classList.remove(TARGET_CLASS);
      folder?.classList.add(TARGET_CLASS);
      marked.current = folder;
    }
  };
  useEffect(() => () => mark(null), []);

  /** Return the target of a drop; null if it is not allowed or would change nothing. */
  const targetOf = (event: DragEvent): { prefix: string; folder: HTMLElement | null } | null => {
    const folder = folderAt(event.target);
    const prefix = folder?.dataset.prefix ?? model.prefix;
    if (model.bucket === null) {
      return null;
    }
    const dragged = draggedRows(event.dataTransfer);
    if (!dragged) {
      return event.dataTransfer.types.includes('Files') ? { prefix, folder } : null;
    }
    const target = { bucket: model.bucket, prefix };
    return actions.canMove(dragged, target) ? { prefix, folder } : null;
  };

  /** Files of the computer and rows of another connection are copied, as between two disks. */
  const isCopy = (event: DragEvent, dragged: IDragged | null) =>
    event.ctrlKey ||
    event.metaKey ||
    dragged === null ||
    connectionOf(dragged.bucket) !== model.connection;

  const drag = (event: DragEvent) => {
    const target = targetOf(event);
    if (!target) {
      setOver(false);
      mark(null);
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const dragged = draggedRows(event.dataTransfer);
    const copies = isCopy(event, dragged);
    event.dataTransfer.dropEffect = copies ? 'copy' : 'move';
    setOver(target.folder === null);
    mark(target.folder);
  };

  return {
    over,
    handlers: {
      onDragEnter: drag,
      onDragOver: drag,
      // Fired for every child as well. Enter and leave events cannot be counted, because a child may be removed during
      // a drag.
      onDragLeave: event => {
        if (!event.currentTarget.contains(event.relatedTarget as Node)) {
          setOver(false);
          mark(null);
        }
      },
      onDrop: event => {
        const target = targetOf(event);
        setOver(false);
        mark(null);
        if (!target) {
          return;
        }
        event.preventDefault();
        event.stopPropagation();
        const dragged = draggedRows(event.dataTransfer);
        if (dragged) {
          endDrag();
          const location = { bucket: model.bucket!, prefix: target.prefix };
          actions.moveRows(dragged, location, isCopy(event, dragged));
        } else {
          actions.drop(event.dataTransfer, target.prefix);
        }
      }
    }
  };
}
