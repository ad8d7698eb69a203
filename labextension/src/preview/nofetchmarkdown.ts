import type { IRenderMime } from '@jupyterlab/rendermime';

/** The language that Lab's parser draws as a diagram, and what makes it one that nobody draws. */
const DIAGRAM = 'mermaid';
const SUFFIX = 'source';

/**
 * Lab's parser, which shows the source of a diagram instead of drawing it: Mermaid puts images and fonts that the text
 * names into the page while it measures, before any sanitizer sees them.
 */
export class NoFetchMarkdownParser implements IRenderMime.IMarkdownParser {
  constructor(private readonly _parser: IRenderMime.IMarkdownParser) {}

  async render(source: string): Promise<string> {
    // Wherever the name stands: what begins a fence, only the parser knows. Taken back, this restores any text.
    const html = await this._parser.render(source.replaceAll(DIAGRAM, DIAGRAM + SUFFIX));
    return html.replaceAll(DIAGRAM + SUFFIX, DIAGRAM);
  }
}

/**
 * Lab's typesetter for the formulas of an object. They come after the sanitizer, so what it keeps out is kept out here:
 * scripts (`\require` loads them, and all packages of MathJax are there already) and links into Lab (`\href`).
 */
export class NoFetchTypesetter implements IRenderMime.ILatexTypesetter {
  constructor(private readonly _typesetter: IRenderMime.ILatexTypesetter) {}

  async typeset(node: HTMLElement): Promise<void> {
    // With this class MathJax would read code, too.
    node.querySelectorAll('.mathjax_process').forEach(it => it.classList.remove('mathjax_process'));
    // MathJax reads past them, so a command's name may have one in its midst.
    node.querySelectorAll('wbr').forEach(pause => pause.remove());
    node.normalize();
    for (const text of textsOf(node)) {
      text.data = text.data.replace(REQUIRE, '{}');
    }
    await this._typesetter.typeset(node);
    for (const link of node.querySelectorAll('mjx-container [href]')) {
      if (!isWebLink(link.getAttribute('href') ?? '')) {
        link.removeAttribute('href');
      }
    }
  }
}

/** The command, and its argument where it has braces. */
const REQUIRE = /\\require(?![a-z])(\s{0,9}\{[^{}]*\})?/gi;

function* textsOf(node: HTMLElement): Generator<Text> {
  const walker = node.ownerDocument.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    // Code is no formula, and is shown as it is.
    if (!walker.currentNode.parentElement?.closest('pre, code')) {
      yield walker.currentNode as Text;
    }
  }
}

/** Whether a link leads to a page of the web or to mail: Lab's own pages have relative addresses, too. */
export function isWebLink(url: string): boolean {
  return /^(https?|mailto):/i.test(url);
}
