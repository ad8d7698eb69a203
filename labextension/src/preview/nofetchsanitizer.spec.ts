import { describe, expect, it } from 'vitest';

import { NoFetchSanitizer, siblingKey } from './nofetchsanitizer';

describe('NoFetchSanitizer', () => {
  const sanitizer = new NoFetchSanitizer(
    { sanitize: dirty => dirty },
    url => {
      const key = siblingKey('docs/README.md', url);
      return key === null ? null : `/view/${key}`;
    },
    what => `[${what}]`
  );
  const clean = (html: string) => sanitizer.sanitize(html);

  it('sends no request to other servers, and keeps links to them', () => {
    expect(clean('<img src="https://evil.example/x.png" alt="pixel">')).toBe(
      '<a href="https://evil.example/x.png" rel="noopener noreferrer" target="_blank">[pixel]</a>'
    );
    expect(clean('<img src="//evil.example/x.png">')).not.toContain('<img');
    expect(clean('<img src="data:image/png,x" srcset="https://evil.example/x 2x">')).toBe(
      '<img src="data:image/png,x">'
    );
    expect(
      clean('<video src="https://evil.example/v" poster="http://evil.example/p"></video>')
    ).toBe('<video></video>');
    expect(clean('<p style="background: URL(https://evil.example)">x</p>')).toBe('<p>x</p>');
    expect(clean('<p style="background: \\75rl(https://evil.example)">x</p>')).toBe('<p>x</p>');
  });

  it('loads relative images from the folder of the object', () => {
    expect(clean('<img src="img/a%20b.png">')).toBe('<img src="/view/docs/img/a b.png">');
    expect(siblingKey('docs/README.md', '../logo.svg')).toBe('logo.svg');
    expect(siblingKey('README.md', '../../api')).toBeNull();
    expect(siblingKey('README.md', '/api/shutdown')).toBeNull();
    expect(siblingKey('README.md', 'javascript:alert(1)')).toBeNull();
  });

  it('keeps links to the web, and removes links into Lab', () => {
    expect(clean('<a href="https://a.example">a</a>')).toContain('href');
    expect(clean('<a href="/lab?reset">a</a>')).toBe('<a>a</a>');
    expect(clean('<form><button data-commandlinker-command="x">a</button></form>')).toBe(
      '<form><button type="button">a</button></form>'
    );
    expect(clean('<a href="https://a.example" target="_self">a</a>')).toBe(
      '<a href="https://a.example" target="_blank" rel="noopener noreferrer">a</a>'
    );
    expect(clean('<video src="data:application/x-mpegurl,x"></video>')).toBe('<video></video>');
  });
});
