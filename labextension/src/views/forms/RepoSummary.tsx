import type { TranslationBundle } from '@jupyterlab/translation';

import { formatCount, formatSize } from '../../format';
import type { HubRepo } from '../../tokens';
import { ExternalLink } from '../controls/ExternalLink';

export interface IRepoSummaryProps {
  repo: HubRepo;
  /** Its page on the hub. */
  url: string | null;
  trans: TranslationBundle;
}

/** A summary of a repository, and whether its files can be read. */
export function RepoSummary({ repo, url, trans }: IRepoSummaryProps): JSX.Element {
  const facts = [
    trans._n('%1 file', '%1 files', repo.files.length),
    formatSize(repo.totalSize),
    parametersText(repo, trans),
    repo.license ? trans.__('license: %1', repo.license) : trans.__('no license given'),
    trans.__('commit %1', repo.commit.slice(0, 7))
  ];
  return (
    <section className="odhtec-Repo" aria-label={repo.repo}>
      <div className="odhtec-Repo-head">
        <strong>{url ? <ExternalLink href={url}>{repo.repo}</ExternalLink> : repo.repo}</strong>
        {repo.gated && <span className="odhtec-Badge">{trans.__('gated')}</span>}
        {repo.private && <span className="odhtec-Badge">{trans.__('private')}</span>}
      </div>
      <div className="odhtec-Repo-facts">{facts.filter(Boolean).join(' · ')}</div>
      {repo.note && <div className="odhtec-Repo-facts">{repo.note}</div>}
      {!repo.accessible && (
        <div className="odhtec-Form-error" role="alert">
          {repo.gated ? (
            <>
              {trans.__(
                'To read the files, accept the license on the repository page. Then enter a token of that account here or in the settings.'
              )}{' '}
              {url && <ExternalLink href={url}>{trans.__('Open repository page')}</ExternalLink>}
            </>
          ) : (
            trans.__(
              'The current token cannot read these files. Enter another token here or in the settings.'
            )
          )}
        </div>
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
