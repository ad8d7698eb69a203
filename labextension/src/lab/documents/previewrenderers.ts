import { CodeEditor, type IEditorServices } from '@jupyterlab/codeeditor';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { OdhTecAPI } from '../../api/api';
import { ApiError } from '../../api/request';
import type { IObjectLocation } from '../../drive/documents';
import { NoFetchMarkdownParser, NoFetchTypesetter } from '../../preview/nofetchmarkdown';
import { NoFetchSanitizer, siblingKey } from '../../preview/nofetchsanitizer';
import type { IRenderers } from '../../views/preview/bodyprops';

/** Renders previews with Lab's editor and Markdown renderer; without them, as plain text. */
export class PreviewRenderers implements IRenderers {
  constructor(private readonly _options: PreviewRenderers.IOptions) {}

  code(node: HTMLElement, text: string, key: string, language: string | null): () => void {
    const { editors, trans } = this._options;
    if (!editors) {
      return plain(node, text);
    }
    const { mimeTypeService, factoryService } = editors;
    const byName = mimeTypeService.getMimeTypeByFilePath(key);
    const mimeType =
      language && /^text\/(plain|x-)?$|^text\/plain$/.test(byName)
        ? mimeTypeService.getMimeTypeByLanguage({ name: language, version: '' })
        : byName;
    const model = new CodeEditor.Model({
      mimeType: Array.isArray(mimeType) ? mimeType[0] : mimeType
    });
    model.sharedModel.setSource(text);
    const host = document.createElement('div');
    host.className = 'odhtec-Preview-editor';
    node.append(host);
    const editor = factoryService.newDocumentEditor({
      host,
      model,
      config: { readOnly: true, lineNumbers: true, lineWrap: false }
    });
    host.querySelector('.cm-content')?.setAttribute('aria-label', trans.__('Text'));
    // The text is read-only, so Tab moves the focus instead of inserting a tab.
    const leaveTab = (event: KeyboardEvent) => {
      if (event.key === 'Tab') {
        event.stopPropagation();
      }
    };
    host.addEventListener('keydown', leaveTab, true);
    return () => {
      editor.dispose();
      model.dispose();
      host.remove();
    };
  }

  markdown(node: HTMLElement, text: string, { bucket, key }: IObjectLocation): () => void {
    const { api, rendermime, trans } = this._options;
    if (!rendermime) {
      return plain(node, text);
    }
    const sibling = (url: string) => {
      const beside = siblingKey(key, url);
      return beside === null ? null : api.viewUrl(bucket, beside);
    };
    const { markdownParser, latexTypesetter } = rendermime;
    const registry = rendermime.clone({
      markdownParser: markdownParser ? new NoFetchMarkdownParser(markdownParser) : undefined,
      latexTypesetter: latexTypesetter ? new NoFetchTypesetter(latexTypesetter) : undefined,
      sanitizer: new NoFetchSanitizer(rendermime.sanitizer, sibling, what =>
        trans.__('[Image not loaded: %1]', what)
      )
    });
    const renderer = registry.createRenderer('text/markdown');
    const model = registry.createModel({ data: { 'text/markdown': text }, trusted: false });
    Widget.attach(renderer, node);
    void renderer.renderModel(model);
    return () => renderer.dispose();
  }

  viewUrl({ bucket, key }: IObjectLocation): string {
    return this._options.api.viewUrl(bucket, key);
  }

  async pdfUrl({ bucket, key }: IObjectLocation, signal: AbortSignal): Promise<string> {
    const { bytes } = await this._options.api.readObject(bucket, key, this.sizeLimit(), signal);
    if (!bytes) {
      throw new ApiError(
        'TooLarge',
        this._options.trans.__('The object is now larger than the size limit.'),
        413
      );
    }
    // Ignore the content type of the store: as HTML, the page would run with Jupyter's origin.
    return URL.createObjectURL(new Blob([bytes], { type: 'application/pdf' }));
  }

  sizeLimit(): number {
    return this._options.sizeLimit();
  }
}

function plain(node: HTMLElement, text: string): () => void {
  const pre = document.createElement('pre');
  pre.tabIndex = 0;
  pre.textContent = text;
  node.append(pre);
  return () => pre.remove();
}

export namespace PreviewRenderers {
  export interface IOptions {
    api: Pick<OdhTecAPI, 'viewUrl' | 'readObject'>;
    editors: IEditorServices | null;
    rendermime: IRenderMimeRegistry | null;
    sizeLimit: () => number;
    trans: TranslationBundle;
  }
}
