import type { DocumentRegistry, IDocumentWidget } from '@jupyterlab/docregistry';
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';

import { isDocumentPath } from '../../drive/documents';
import { visible, visibleText } from '../../visible';

const SHOWN: readonly (readonly [string, (text: string) => string])[] = [
  ['label', visible],
  ['caption', visibleText]
];

/** Shows the invisible characters of an object's name in the tab, and in the dialogs that take the name from there. */
export class DocumentTitles implements DocumentRegistry.WidgetExtension {
  /** Extend all document widgets, including those that other extensions add later. */
  static addTo(registry: DocumentTitles.IRegistry): void {
    const titles = new DocumentTitles();
    for (const { name } of registry.widgetFactories()) {
      registry.addWidgetExtension(name, titles);
    }
    registry.changed.connect((_, { type, name, change }) => {
      if (type === 'widgetFactory' && change === 'added' && name) {
        registry.addWidgetExtension(name, titles);
      }
    });
  }

  /**
   * Change what is read from the title, not what is stored: Lab takes a label that is not the document's name for a new
   * name, and renames the document or sets the label back.
   */
  createNew({ title }: IDocumentWidget, context: DocumentRegistry.Context): IDisposable {
    for (const [name, show] of SHOWN) {
      const property = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(title), name);
      if (property?.get) {
        const read = property.get.bind(title) as () => string;
        Object.defineProperty(title, name, {
          ...property,
          get: () => (isDocumentPath(context.path) ? show(read()) : read())
        });
      }
    }
    return new DisposableDelegate(() =>
      SHOWN.forEach(([name]) => Reflect.deleteProperty(title, name))
    );
  }
}

export namespace DocumentTitles {
  export type IRegistry = Pick<
    DocumentRegistry,
    'widgetFactories' | 'addWidgetExtension' | 'changed'
  >;
}
