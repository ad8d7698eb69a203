import type { TranslationBundle } from '@jupyterlab/translation';

import type { BrowserModel } from '../../list/browser';
import type { Search } from '../../list/search';

interface IListFootProps {
  model: BrowserModel;
  trans: TranslationBundle;
}

/** Below the rows: how much of the folder they are, or how far a search has come. */
export function ListFoot(props: IListFootProps): JSX.Element | null {
  const { model, trans } = props;
  if (model.search) {
    return <SearchFoot {...props} search={model.search} />;
  }
  if (!model.hasMore || model.loading) {
    return null;
  }
  const loaded = model.loadedCount.toLocaleString();
  if (model.error) {
    return (
      <Foot text={model.error.message}>
        <Action label={trans.__('Retry')} onClick={() => void model.loadMore()} />
      </Foot>
    );
  }
  if (model.loadingAll) {
    return (
      <Foot text={trans.__('Loading all: %1 rows so far', loaded)}>
        <Action label={trans.__('Stop')} onClick={() => model.stop()} />
      </Foot>
    );
  }
  return (
    <Foot text={partText(model, loaded, trans)}>
      {model.filter && (
        <Action label={trans.__('Load more')} onClick={() => void model.loadMore()} />
      )}
      <Action label={trans.__('Load all')} onClick={() => void model.loadAll()} />
    </Foot>
  );
}

/** What is shown is a part only, and of what. */
function partText(model: BrowserModel, loaded: string, trans: TranslationBundle): string {
  if (model.filter) {
    return trans.__('The filter looks at the %1 rows loaded so far.', loaded);
  }
  // The store gives names in their order; what comes is after what is there.
  return model.order.column === 'name' && !model.order.descending
    ? trans.__('%1 rows loaded so far', loaded)
    : trans.__('Sorted: the %1 rows loaded so far', loaded);
}

function SearchFoot({ model, search, trans }: IListFootProps & { search: Search }): JSX.Element {
  const [found, scanned] = [search.rows.count, search.scanned].map(n => n.toLocaleString());
  const counts = trans.__('%1 found, %2 looked at', found, scanned);
  if (search.error) {
    return (
      <Foot text={`${counts}: ${search.error.message}`}>
        <Action label={trans.__('Retry')} onClick={() => void model.loadMore()} />
      </Foot>
    );
  }
  if (search.running) {
    return (
      <Foot text={trans.__('Searching: %1', counts)}>
        <Action label={trans.__('Cancel')} onClick={() => search.cancel()} />
      </Foot>
    );
  }
  return (
    <Foot text={counts}>
      {search.hasMore && <Action label={trans.__('Go on')} onClick={() => void model.loadMore()} />}
    </Foot>
  );
}

function Foot(props: { text: string; children?: React.ReactNode }): JSX.Element {
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
