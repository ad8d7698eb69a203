/** What cannot be seen, or turns the text beside it around: written out, nobody runs a line that reads otherwise. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** A literal of Python: JSON's escapes are Python's, too, and YAML's. */
export function pythonString(text: string): string {
  return JSON.stringify(text).replace(INVISIBLE, letter => {
    const code = letter.codePointAt(0)!;
    return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
  });
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}
