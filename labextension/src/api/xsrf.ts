/** The last `_xsrf` cookie: of duplicates at different paths that is the one the server reads. */
export function xsrfToken(cookie: string): string | undefined {
  let found: string | undefined;
  for (const part of cookie.split(';')) {
    const [name, ...value] = part.trim().split('=');
    if (name === '_xsrf') {
      found = value.join('=');
    }
  }
  return found;
}
