/** Invisible characters and those that change the text direction: written as escapes, so that code reads as it runs. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** Return a Python literal. JSON's escapes are also valid in Python and YAML. */
export function pythonString(text: string): string {
  return JSON.stringify(text).replace(INVISIBLE, letter => {
    const code = letter.codePointAt(0)!;
    return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
  });
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}
