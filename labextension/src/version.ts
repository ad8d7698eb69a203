import manifest from '../package.json';

/** The version, which is also that of the Python package. */
export const { version } = manifest;
