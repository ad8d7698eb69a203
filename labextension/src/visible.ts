/** What cannot be seen, or turns the text beside it around: names with it read as other names. */
const INVISIBLE =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\u{e0000}-\u{e0fff}]/gu;
/** Of these, what makes one emoji of several characters, where it does. */
const JOINING = /(?<=\p{So})\ufe0f|(?<=[\p{So}\p{Sk}\ufe0f])\u200d(?=\p{So})/gu;

/**
 * A name as it is shown, anywhere: each character of it can be seen, `\u{202E}` where the store has U+202E. What is done
 * with the name takes the name itself. `odhtec_jupyter/visible.py` is its twin in Python.
 */
export function visible(name: string): string {
  return escape(name, () => false);
}

/** The same for a text of several lines. */
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
