/**
 * The functions that TSX is compiled to (`jsxImportSource` in tsconfig.json): they create React elements in which
 * invisible characters of all texts are shown. Names come from stores and hubs, so no view may forget this.
 */
import { jsxDEV as reactJsxDev } from 'react/jsx-dev-runtime';
import { Fragment, jsx as reactJsx, jsxs as reactJsxs } from 'react/jsx-runtime';

import { visible, visibleText } from './visible';

export { Fragment };
export type { JSX } from 'react/jsx-runtime';

export const jsx: typeof reactJsx = (type, props, key) =>
  reactJsx(type, withVisibleText(type, props), key);
export const jsxs: typeof reactJsxs = (type, props, key) =>
  reactJsxs(type, withVisibleText(type, props), key);
/** In tests. */
export const jsxDEV: typeof reactJsxDev = (type, props, ...rest) =>
  reactJsxDev(type, withVisibleText(type, props), ...rest);

/** Attributes that users read; only tooltips have several lines. */
const TEXT_ATTRIBUTES = ['aria-label', 'aria-description', 'alt', 'label', 'placeholder', 'title'];
/** Elements whose text may have several lines. */
const MULTILINE_ELEMENTS = ['pre', 'textarea', 'td', 'dd'];

function withVisibleText<P>(type: unknown, props: P): P {
  // A component passes its properties on to elements.
  if (typeof type !== 'string' && type !== Fragment) {
    return props;
  }
  const all = props as Record<string, unknown>;
  const changed: Record<string, unknown> = {};
  const change = (name: string, show: (text: string) => string) => {
    const value = all[name];
    const now = Array.isArray(value)
      ? value.map(one => (typeof one === 'string' ? show(one) : one))
      : typeof value === 'string'
        ? show(value)
        : value;
    if (now !== value) {
      changed[name] = now;
    }
  };
  change('children', MULTILINE_ELEMENTS.includes(type as string) ? visibleText : visible);
  TEXT_ATTRIBUTES.forEach(name => change(name, name === 'title' ? visibleText : visible));
  return Object.keys(changed).length ? { ...props, ...changed } : props;
}
