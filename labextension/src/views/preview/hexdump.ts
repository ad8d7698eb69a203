const BYTES_PER_LINE = 16;

/** Format bytes, given as two hexadecimal digits each, as lines of offset, bytes and text. */
export function hexLines(digits: string): string[] {
  const bytes = digits.match(/../g) ?? [];
  const lines: string[] = [];
  for (let start = 0; start < bytes.length; start += BYTES_PER_LINE) {
    const line = bytes.slice(start, start + BYTES_PER_LINE);
    const half = BYTES_PER_LINE / 2;
    const hex = `${line.slice(0, half).join(' ')}  ${line.slice(half).join(' ')}`;
    const text = line.map(byte => {
      const code = parseInt(byte, 16);
      return code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : '.';
    });
    const offset = start.toString(16).padStart(8, '0');
    lines.push(`${offset}  ${hex.padEnd(BYTES_PER_LINE * 3)}  ${text.join('')}`);
  }
  return lines;
}
