import type { TranslationBundle } from '@jupyterlab/translation';

import type { BrowserModel } from '../../list/browser';
import type { Search } from '../../list/search';

interface IListFooterProps {
  model: BrowserModel;
  trans: TranslationBundle;
}

/** Below the rows: how many are loaded, or the progress of a search. */
export function ListFooter(props: IListFooterProps): JSX.Element | null {
  const { model, trans } = props;
  if (model.search) {
    return <SearchFooter {...props} search={model.search} />;
  }
  if (!model.hasMore || model.loading) {
    return null;
  }
  const loaded = model.loadedCount.toLocaleString();
  if (model.error) {
    return (
      <Footer text={model.error.message}>
        <Action label={trans.__('Retry')} onClick={() => void model.loadMore()} />
      </Footer>
    );
  }
  if (model.loadingAll) {
    return (
      <Footer text={trans.__('Loading all: %1 rows so far', loaded)}>
        <Action label={trans.__('Stop')} onClick={() => model.stop()} />
      </Footer>
    );
  }
  return (
    <Footer text={partText(model, loaded, trans)}>
      {model.filter && (
        <Action label={trans.__('Load More')} onClick={() => void model.loadMore()} />
      )}
      <Action label={trans.__('Load All')} onClick={() => void model.loadAll()} />
    </Footer>
  );
}

/** Return a text that says that only a part is shown. */
function partText(model: BrowserModel, loaded: string, trans: TranslationBundle): string {
  if (model.filter) {
    return trans.__('Only the %1 rows loaded so far are filtered', loaded);
  }
  // The store lists names in order, so further rows come after the loaded ones.
  return model.order.column === 'name' && !model.order.descending
    ? trans.__('%1 rows loaded so far', loaded)
    : trans.__('Only the %1 rows loaded so far are sorted', loaded);
}

function SearchFooter({
  model,
  search,
  trans
}: IListFooterProps & { search: Search }): JSX.Element {
  const [found, scanned] = [search.rows.count, search.scanned].map(n => n.toLocaleString());
  const counts = trans.__('%1 found, %2 searched', found, scanned);
  if (search.error) {
    return (
      <Footer text={`${counts}: ${search.error.message}`}>
        <Action label={trans.__('Retry')} onClick={() => void model.loadMore()} />
      </Footer>
    );
  }
  if (search.running) {
    return (
      <Footer text={trans.__('Searching: %1', counts)}>
        <Action label={trans.__('Cancel')} onClick={() => search.cancel()} />
      </Footer>
    );
  }
  return (
    <Footer text={counts}>
      {search.hasMore && (
        <Action label={trans.__('Continue')} onClick={() => void model.loadMore()} />
      )}
    </Footer>
  );
}

function Footer(props: { text: string; children?: React.ReactNode }): JSX.Element {
  return (
    <div className="odhtec-List-foot">
      <span role="status" title={props.text}>
        {props.text}
      </span>
      {props.children}
    </div>
  );
}

function Action({ label, onClick }: { label: string; onClick: () => void }): JSX.Element {
  return (
    <button type="button" className="odhtec-LinkButton" onClick={onClick}>
      {label}
    </button>
  );
}
