import type { IRenderMime } from '@jupyterlab/rendermime';

import { isWebLink } from './nofetchmarkdown';

/** Attributes that make a browser fetch something. */
const FETCHING_ATTRIBUTES = ['src', 'srcset', 'poster', 'data', 'background', 'xlink:href'];

/** Lab's sanitizer, and then nothing that asks another server: who reads an object must not be seen by its author. */
export class NoFetchSanitizer implements IRenderMime.ISanitizer {
  constructor(
    private readonly _sanitizer: IRenderMime.ISanitizer,
    /** The address of what stands beside the object in the store; null for what does not. */
    private readonly _sibling: (url: string) => string | null,
    private readonly _describe: (url: string) => string
  ) {}

  readonly allowNamedProperties = false;
  readonly allowCommandLinker = false;

  sanitize(dirty: string, options?: IRenderMime.ISanitizerOptions): string {
    // A document of its own fetches nothing.
    const page = new DOMParser().parseFromString(
      this._sanitizer.sanitize(dirty, options),
      'text/html'
    );
    for (const element of page.body.querySelectorAll<HTMLElement>('*')) {
      this._removeFetches(element);
    }
    return page.body.innerHTML;
  }

  private _removeFetches(element: HTMLElement): void {
    for (const { name, value } of [...element.attributes]) {
      const image = element.localName === 'img' && name === 'src';
      // A playlist in a data URL would name other addresses.
      const fetches =
        FETCHING_ATTRIBUTES.includes(name) && !(image && /^data:image\//i.test(value));
      const sibling = fetches && image ? this._sibling(value) : null;
      if (sibling !== null) {
        element.setAttribute(name, sibling);
      } else if (fetches && image) {
        const link = element.ownerDocument.createElement('a');
        link.textContent = this._describe(element.getAttribute('alt') || value);
        if (/^https?:/i.test(value)) {
          link.href = value;
          link.rel = 'noopener noreferrer';
          link.target = '_blank';
        }
        element.replaceWith(link);
      } else if (
        fetches ||
        name.startsWith('data-commandlinker') ||
        // A backslash hides any of these letters.
        (name === 'style' && /url|image|src|\\/i.test(value))
      ) {
        element.removeAttribute(name);
      } else if (name === 'href' && !isWebLink(value)) {
        // Lab's own pages stand at relative addresses, and none of them is meant.
        element.removeAttribute(name);
      }
    }
    if (element.localName === 'button') {
      // That of a form would load Lab's page again.
      element.setAttribute('type', 'button');
    }
    if (element.hasAttribute('href')) {
      // Not in the place of Lab.
      element.setAttribute('target', '_blank');
      element.setAttribute('rel', 'noopener noreferrer');
    }
  }
}

/** The key that a relative address in an object means; null when it leads out of the bucket or to another server. */
export function siblingKey(key: string, url: string): string | null {
  if (/^[a-z][a-z0-9+.-]*:/i.test(url) || url.startsWith('/') || url.startsWith('#') || !url) {
    return null;
  }
  const levels = key.split('/').slice(0, -1);
  let path: string;
  try {
    path = decodeURIComponent(url.split(/[?#]/)[0]);
  } catch {
    return null;
  }
  for (const level of path.split('/')) {
    if (level === '..') {
      if (!levels.length) {
        return null;
      }
      levels.pop();
    } else if (level !== '.') {
      levels.push(level);
    }
  }
  return levels.join('/');
}
