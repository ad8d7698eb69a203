import type { IRenderMime } from '@jupyterlab/rendermime';

/** The language that Lab's parser draws as a diagram, and a suffix that makes it an unknown language. */
const DIAGRAM = 'mermaid';
const SUFFIX = 'source';

/**
 * Lab's parser, but showing the source of diagrams: Mermaid adds images and fonts from the text to the page while it
 * measures, before any sanitizer sees them.
 */
export class NoFetchMarkdownParser implements IRenderMime.IMarkdownParser {
  constructor(private readonly _parser: IRenderMime.IMarkdownParser) {}

  async render(source: string): Promise<string> {
    // Replace it everywhere, because only the parser knows what starts a fence. The reverse replacement restores any
    // text.
    const html = await this._parser.render(source.replaceAll(DIAGRAM, DIAGRAM + SUFFIX));
    return html.replaceAll(DIAGRAM + SUFFIX, DIAGRAM);
  }
}

/**
 * Lab's typesetter for the formulas of an object. It runs after the sanitizer, so remove here what the sanitizer would:
 * scripts (`\require` loads them, and all packages of MathJax are there already) and links into Lab (`\href`).
 */
export class NoFetchTypesetter implements IRenderMime.ILatexTypesetter {
  constructor(private readonly _typesetter: IRenderMime.ILatexTypesetter) {}

  async typeset(node: HTMLElement): Promise<void> {
    // With this class MathJax would also process code.
    node.querySelectorAll('.mathjax_process').forEach(it => it.classList.remove('mathjax_process'));
    // MathJax ignores them, so they could split the name of a command.
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

/** The command and its argument, if in braces. */
const REQUIRE = /\\require(?![a-z])(\s{0,9}\{[^{}]*\})?/gi;

function* textsOf(node: HTMLElement): Generator<Text> {
  const walker = node.ownerDocument.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    // Code is shown unchanged.
    if (!walker.currentNode.parentElement?.closest('pre, code')) {
      yield walker.currentNode as Text;
    }
  }
}

/** Return whether a link leads to a web page or to mail. Relative addresses are Lab's own pages. */
export function isWebLink(url: string): boolean {
  return /^(https?|mailto):/i.test(url);
}
