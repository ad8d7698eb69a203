/** Invisible characters and those that change the text direction: names with them look like other names. */
const INVISIBLE =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\u{e0000}-\u{e0fff}]/gu;
/** Those of them that join several characters to one emoji. */
const JOINING = /(?<=\p{So})\ufe0f|(?<=[\p{So}\p{Sk}\ufe0f])\u200d(?=\p{So})/gu;

/**
 * Return a name with all invisible characters escaped, for example `\u{202E}` for U+202E. Only for display: operations
 * use the name itself. The Python counterpart is `odhtec_jupyter/visible.py`.
 */
export function visible(name: string): string {
  return escape(name, () => false);
}

/** Return a text of several lines with all other invisible characters escaped. */
export function visibleText(text: string): string {
  return escape(text, letter => letter === '\n' || letter === '\t');
}

function escape(text: string, isKept: (letter: string) => boolean): string {
  if (text.search(INVISIBLE) < 0) {
    return text;
  }
  const joining = new Set([...text.matchAll(JOINING)].map(({ index }) => index));
  return text.replace(INVISIBLE, (letter, index: number) =>
    isKept(letter) || joining.has(index)
      ? letter
      : `\\u{${letter.codePointAt(0)!.toString(16).toUpperCase()}}`
  );
}
