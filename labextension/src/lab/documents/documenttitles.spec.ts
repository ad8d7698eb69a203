import {
  DocumentWidget,
  type DocumentRegistry,
  type IDocumentWidget
} from '@jupyterlab/docregistry';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { describe, expect, it, vi } from 'vitest';

import { DocumentTitles } from './documenttitles';

const HOSTILE = 'a\u202evsc.exe';
const SHOWN = 'a\\u{202E}vsc.exe';

/** A document as in Lab, which renames itself when the label of its title changes. */
function open(path: string) {
  const rename = vi.fn(async () => undefined);
  const context: { path: string; [name: string]: unknown } = {
    path,
    get localPath() {
      return context.path.replace(/^S3:/, '');
    },
    model: { stateChanged: new Signal<object, void>({}), dirty: false, readOnly: false },
    ready: Promise.resolve(),
    rename
  };
  // Emitted by the context itself.
  const pathChanged = new Signal<object, string>(context);
  context.pathChanged = pathChanged;
  const widget = new DocumentWidget({
    content: new Widget(),
    context: context as unknown as DocumentRegistry.Context
  });
  new DocumentTitles().createNew(
    widget as IDocumentWidget,
    context as unknown as DocumentRegistry.Context
  );
  const moveTo = (newPath: string) => {
    context.path = newPath;
    pathChanged.emit(newPath);
  };
  return { rename, widget, moveTo };
}

describe('DocumentTitles', () => {
  it('shows invisible characters of an object’s name, and does not rename it', () => {
    const { rename, widget } = open(`S3:bucket/${HOSTILE}`);
    const changed = vi.fn();
    widget.title.changed.connect(changed);
    expect(widget.title.label).toBe(SHOWN);
    widget.title.caption = `Name: ${HOSTILE}\nPath: bucket/${HOSTILE}`;
    expect(widget.title.caption).toBe(`Name: ${SHOWN}\nPath: bucket/${SHOWN}`);
    expect(changed).toHaveBeenCalledTimes(1);
    expect(rename).not.toHaveBeenCalled();
  });

  it('still shows them when the path changes', () => {
    const { widget, moveTo } = open('S3:bucket/plain.txt');
    expect(widget.title.label).toBe('plain.txt');
    moveTo(`S3:bucket/folder/${HOSTILE}`);
    expect(widget.title.label).toBe(SHOWN);
  });

  it('leaves documents of other drives to Lab', () => {
    expect(open(`folder/${HOSTILE}`).widget.title.label).toBe(HOSTILE);
  });

  it('extends existing and later document widgets', () => {
    const changed = new Signal<object, object>({});
    const addWidgetExtension = vi.fn();
    DocumentTitles.addTo({
      widgetFactories: () => [{ name: 'Editor' }].values(),
      addWidgetExtension,
      changed
    } as unknown as DocumentTitles.IRegistry);
    changed.emit({ type: 'widgetFactory', name: 'Notebook', change: 'added' });
    changed.emit({ type: 'widgetFactory', name: 'Notebook', change: 'removed' });
    changed.emit({ type: 'fileType', name: 'csv', change: 'added' });
    expect(addWidgetExtension.mock.calls.map(([name]) => name)).toEqual(['Editor', 'Notebook']);
  });
});
