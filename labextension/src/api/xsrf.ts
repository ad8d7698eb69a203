/** Return the last `_xsrf` cookie, which is the one the server reads if there are several for different paths. */
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
