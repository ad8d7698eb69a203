import type { TranslationBundle } from '@jupyterlab/translation';

import { formatCount, formatSize } from '../format';
import type { HubFile, HubRepo } from '../tokens';

export interface IRepoSummaryProps {
  repo: HubRepo;
  /** The files that would come. */
  files: readonly HubFile[];
  trans: TranslationBundle;
}

/** What an import would bring, and whether it can. */
export function RepoSummary({ repo, files, trans }: IRepoSummaryProps): JSX.Element {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const facts = [
    trans._n('%1 file', '%1 files', files.length),
    formatSize(total),
    parametersText(repo, trans),
    repo.license,
    trans.__('commit %1', repo.commit.slice(0, 7))
  ];
  return (
    <section className="odhtec-Repo" aria-label={repo.repo}>
      <div className="odhtec-Repo-head">
        <strong>{repo.repo}</strong>
        {repo.gated && <span className="odhtec-Badge">{trans.__('gated')}</span>}
        {repo.private && <span className="odhtec-Badge">{trans.__('private')}</span>}
      </div>
      <div className="odhtec-Repo-facts">{facts.filter(Boolean).join(' · ')}</div>
      <ul className="odhtec-Repo-files" tabIndex={0} aria-label={trans.__('Files')}>
        {files.map(({ path, size }) => (
          <li key={path}>
            <span>{path}</span>
            <span>{formatSize(size)}</span>
          </li>
        ))}
      </ul>
      {!repo.accessible && (
        <p className="odhtec-Form-error" role="alert">
          {repo.gated
            ? trans.__(
                'The files cannot be read: accept the licence on the repository’s page, then give a token of that account here or in the settings.'
              )
            : trans.__(
                'The files cannot be read with the token in use: give one that may, here or in the settings.'
              )}
        </p>
      )}
    </section>
  );
}

function parametersText({ parameters }: HubRepo, trans: TranslationBundle): string | null {
  const kinds = Object.entries(parameters ?? {});
  const count = kinds.reduce((sum, [, some]) => sum + some, 0);
  return count
    ? trans.__('%1 parameters (%2)', formatCount(count), kinds.map(([kind]) => kind).join(', '))
    : null;
}
