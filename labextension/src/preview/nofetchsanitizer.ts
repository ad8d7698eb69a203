import type { IRenderMime } from '@jupyterlab/rendermime';

import { isWebLink } from './nofetchmarkdown';

/** Attributes that make a browser fetch something. */
const FETCHING_ATTRIBUTES = ['src', 'srcset', 'poster', 'data', 'background', 'xlink:href'];

/**
 * Lab's sanitizer, and then removes everything that sends requests to other servers, so that authors cannot track
 * readers.
 */
export class NoFetchSanitizer implements IRenderMime.ISanitizer {
  constructor(
    private readonly _sanitizer: IRenderMime.ISanitizer,
    /** Return the URL of an object next to this one; null for other addresses. */
    private readonly _sibling: (url: string) => string | null,
    private readonly _describe: (url: string) => string
  ) {}

  readonly allowNamedProperties = false;
  readonly allowCommandLinker = false;

  sanitize(dirty: string, options?: IRenderMime.ISanitizerOptions): string {
    // A separate document fetches nothing.
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
      // A playlist in a data URL could name other addresses.
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
        // A backslash could escape any of these letters.
        (name === 'style' && /url|image|src|\\/i.test(value))
      ) {
        element.removeAttribute(name);
      } else if (name === 'href' && !isWebLink(value)) {
        // Relative addresses would lead to Lab's own pages.
        element.removeAttribute(name);
      }
    }
    if (element.localName === 'button') {
      // A submit button would reload Lab's page.
      element.setAttribute('type', 'button');
    }
    if (element.hasAttribute('href')) {
      // Do not replace Lab.
      element.setAttribute('target', '_blank');
      element.setAttribute('rel', 'noopener noreferrer');
    }
  }
}

/** Return the key for a relative address in an object; null if it leads out of the bucket or to another server. */
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
