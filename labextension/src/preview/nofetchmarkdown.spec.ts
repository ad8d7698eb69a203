import { expect, it, vi } from 'vitest';

import { NoFetchMarkdownParser, NoFetchTypesetter } from './nofetchmarkdown';

it('shows a diagram as its source', async () => {
  const render = vi.fn(async (source: string) => `<pre>${source}</pre>`);
  const texts = [
    '```mermaid\nflowchart LR\n```',
    '> ~~~~ mermaid\t',
    'mermaidsource mermaidmermaidsourcesource https://mermaid.js.org'
  ];
  for (const text of texts) {
    expect(await new NoFetchMarkdownParser({ render }).render(text)).toBe(`<pre>${text}</pre>`);
    expect(render.mock.lastCall![0]).not.toMatch(/mermaid(?!source)/);
  }
});

it('keeps links of a formula to the web, and removes links into Lab', async () => {
  const node = document.createElement('div');
  const typesetter = new NoFetchTypesetter({
    typeset: async host => {
      host.innerHTML = ['/lab?reset', 'file:///etc', '//evil.example', 'https://a.example']
        .map(url => `<mjx-container><a href="${url}"><mi href="${url}">x</mi></a></mjx-container>`)
        .join('');
    }
  });
  await typesetter.typeset(node);
  const links = [...node.querySelectorAll('[href]')].map(link => link.getAttribute('href'));
  expect(links).toEqual(['https://a.example', 'https://a.example']);
});

it('loads no script for a formula', async () => {
  const node = document.createElement('div');
  node.innerHTML =
    '<p>$\\require{a}x$ $\\req<wbr>uire {b}$ $\\require c$ $\\required$</p><code>\\require{d}</code>';
  const typeset = vi.fn(async (host: HTMLElement) => {
    expect(host.textContent).toBe('${}x$ ${}$ ${} c$ $\\required$\\require{d}');
  });
  await new NoFetchTypesetter({ typeset }).typeset(node);
  expect(typeset).toHaveBeenCalledTimes(1);
});
