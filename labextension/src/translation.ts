import { nullTranslator, type ITranslator, type TranslationBundle } from '@jupyterlab/translation';

import { DOMAIN } from './tokens';
import { visible } from './visible';

/** The sentences of this extension in the user's language; the names that are put into them can be seen whole. */
export function loadTranslations(translator: ITranslator | null): TranslationBundle {
  return new Proxy((translator ?? nullTranslator).load(DOMAIN), {
    get: (bundle, name) => {
      const found: unknown = Reflect.get(bundle, name);
      return typeof found === 'function'
        ? (...args: unknown[]) =>
            found.apply(
              bundle,
              args.map(arg => (typeof arg === 'string' ? visible(arg) : arg))
            )
        : found;
    }
  });
}
