import { describe, expect, it } from 'vitest';

import { decodeFile, encodeFile } from './filecontent';
import { formatNotebook, parseNotebook } from './notebookfile';

const FILE = `{
 "cells": [
  {
   "attachments": {
    "a.png": {
     "image/png": "aGk="
    }
   },
   "cell_type": "markdown",
   "id": "one",
   "metadata": {},
   "source": [
    "# é\\n",
    "two"
   ]
  },
  {
   "cell_type": "code",
   "execution_count": 1,
   "id": "two",
   "metadata": {},
   "outputs": [
    {
     "name": "stdout",
     "output_type": "stream",
     "text": [
      "1\\n",
      "2\\n"
     ]
    },
    {
     "data": {
      "application/json": [
       "kept",
       "as it is"
      ],
      "image/png": "aGk=",
      "text/html": [
       "<b>\\n",
       "</b>"
      ]
     },
     "metadata": {},
     "output_type": "display_data"
    }
   ],
   "source": []
  }
 ],
 "metadata": {
  "language_info": {
   "name": "python"
  }
 },
 "nbformat": 4,
 "nbformat_minor": 5
}
`;

const CAR = { constructor: 'Ferrari', prototype: 1961 };

/** A copy as Lab makes it, key by key. */
function assigned(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(assigned);
  }
  const copy: Record<string, unknown> = {};
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  for (const key of Object.keys(value)) {
    copy[key] = assigned((value as typeof copy)[key]);
  }
  return copy;
}

function everyDict(value: unknown, check: (dict: object) => void): void {
  if (typeof value === 'object' && value !== null) {
    if (!Array.isArray(value)) {
      check(value);
    }
    Object.values(value).forEach(one => everyDict(one, check));
  }
}

describe('a notebook', () => {
  it('is saved unchanged, byte for byte', () => {
    expect(formatNotebook(parseNotebook(FILE))).toBe(FILE);
  });

  it('has each text as one string in Lab', () => {
    const cells = parseNotebook(FILE).cells as { source: string; outputs: { data?: object }[] }[];
    expect(cells[0].source).toBe('# é\ntwo');
    expect(cells[1].outputs[1].data).toEqual({
      'application/json': ['kept', 'as it is'],
      'image/png': 'aGk=',
      'text/html': '<b>\n</b>'
    });
  });

  it('is not trusted because its file claims it, and trust is not saved', () => {
    const file = JSON.parse(FILE);
    file.cells[1].metadata = { trusted: true, tags: ['a'] };
    const model = parseNotebook(JSON.stringify(file));
    expect((model.cells as object[])[1]).toMatchObject({
      metadata: { tags: ['a'], trusted: false }
    });
    expect(formatNotebook(file)).not.toContain('trusted');
    expect(formatNotebook(model)).not.toContain('trusted');
  });

  it('cannot pass on trust through a prototype when Lab copies it', () => {
    const paths = ['"__proto__"', '"\\u005f_proto__"', '"constructor": {"prototype"'];
    for (const path of paths) {
      const flag = `${path}: {"trusted": true}${path.includes('{') ? '}' : ''}`;
      const output = `{"output_type": "display_data", "data": {${flag}}, "metadata": {${flag}}}`;
      const cell = (metadata: string) =>
        `{"cell_type": "code", ${metadata} "source": "", "outputs": [${output}], ${flag}}`;
      const text = `{"nbformat": 4, "nbformat_minor": 5, ${flag},
        "metadata": {${flag}, "widgets": [{"state": {${flag}}}]},
        "cells": [${cell(`"metadata": {${flag}, "odhtec": {${flag}}},`)}, ${cell('')}, ${cell('"metadata": [],')}]}`;
      const model = assigned(parseNotebook(text)) as { cells: { metadata: object }[] };
      expect(model.cells.map(({ metadata }) => 'trusted' in metadata)).toEqual([true, true, true]);
      expect(JSON.stringify(model)).not.toContain('true');
      everyDict(model, dict => {
        expect(Object.getPrototypeOf(dict)).toBe(Object.prototype);
        expect((dict as { trusted?: boolean }).trusted ?? false).toBe(false);
      });
    }
    expect(({} as { trusted?: boolean }).trusted).toBeUndefined();
  });

  it('keeps text that only looks like a path to a prototype', () => {
    const output = {
      output_type: 'display_data',
      data: { 'application/json': [CAR] },
      metadata: {}
    };
    const cell = { cell_type: 'code', metadata: {}, source: '', outputs: [output] };
    const text = JSON.stringify({ cells: [cell], metadata: {}, nbformat: 4, nbformat_minor: 5 });
    expect(JSON.parse(formatNotebook(parseNotebook(text))).cells[0].outputs).toEqual([output]);
  });

  it('of an older version is refused with the reason', () => {
    expect(() => parseNotebook('{"worksheets": [], "nbformat": 3}')).toThrow('version 4');
    expect(() => parseNotebook('not JSON')).toThrow();
  });
});

describe('a file', () => {
  const bytes = (...all: number[]) => new Uint8Array(all);

  it('keeps its byte order mark and its line ends', () => {
    const file = bytes(0xef, 0xbb, 0xbf, 0x61, 0x0d, 0x0a);
    const { content } = decodeFile('a.txt', file, { type: 'file', format: 'text' });
    expect(content).toBe('\ufeffa\r\n');
    expect(encodeFile({ format: 'text', content })).toBe(content);
  });

  it('of JSON cannot set a prototype', () => {
    const file = new TextEncoder().encode('{"a": [{"__proto__": {"b": 1}}]}');
    const { content } = decodeFile('a.json', file, { type: 'file', format: 'json' });
    expect(assigned(content)).toEqual({ a: [{}] });
    expect((assigned(content) as { a: { b?: number }[] }).a[0].b).toBeUndefined();
  });

  it('that is not UTF-8 is never returned as text', () => {
    const file = bytes(0xff, 0xfe, 0x00);
    expect(() => decodeFile('a.txt', file, { format: 'text' })).toThrow('UTF-8');
    const { format, content } = decodeFile('a.txt', file, {});
    expect(format).toBe('base64');
    expect(String(encodeFile({ type: 'file', format, content }))).toBe(String(file));
  });

  it('that is larger than the arguments of a call is encoded as base64', () => {
    const file = new Uint8Array(70_000).map((_, index) => index % 251);
    const { content } = decodeFile('a.png', file, { type: 'file', format: 'base64' });
    expect(String(encodeFile({ type: 'file', format: 'base64', content }))).toBe(String(file));
  });
});
