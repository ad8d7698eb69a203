import { nullTranslator, type ITranslator, type TranslationBundle } from '@jupyterlab/translation';

import { DOMAIN } from './tokens';
import { visible } from './visible';

/** Load the translations of this extension; names inserted in them are shown with all invisible characters. */
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
