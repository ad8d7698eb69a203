import manifest from '../package.json';

/** The one version, which the kernel's side has, too. */
export const { version } = manifest;
