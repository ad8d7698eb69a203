import { describe, expect, it, vi } from 'vitest';

import { BrowserModel } from '../list/browser';
import { Deferred, page } from '../testing/fakes';
import type { ObjectList } from '../tokens';
import { WidgetLink, type ITraits } from './widgetlink';

const FOLDERS: Record<string, ObjectList> = {
  'main/': page(['a.txt', 'b.txt'], ['data/']),
  'main/data/': page(['data/x', 'data/y']),
  'other/': page(['o'])
};

/** A browser and a widget with its Python side. With `held`, lists are delayed until they are released. */
function setup(traits: Partial<ITraits> = {}) {
  const held: { prefix: string; answer: Deferred<ObjectList> }[] = [];
  let holds = false;
  const listObjects = vi.fn(async (bucket: string, prefix: string) => {
    if (holds) {
      const answer = new Deferred<ObjectList>();
      held.push({ prefix, answer });
      return answer.promise;
    }
    return FOLDERS[`${bucket}/${prefix}`] ?? page([]);
  });
  const store = {
    listBuckets: vi.fn(async () => ({
      owner: null,
      defaultBucket: 'main',
      listable: true,
      buckets: [{ Name: 'main' }, { Name: 'other' }]
    })),
    listObjects
  };
  const model = new BrowserModel({ store, pageSize: () => 1000 });
  const state: ITraits = {
    bucket: '',
    prefix: '',
    filter: '',
    selected: [],
    multiple: true,
    ...traits
  };
  const sent: Partial<ITraits>[] = [];
  const link: WidgetLink = new WidgetLink({
    model,
    traits: () => state,
    set: shown => {
      const news = Object.entries(shown).filter(
        ([name, value]) => JSON.stringify(value) !== JSON.stringify(state[name as keyof ITraits])
      );
      if (news.length) {
        sent.push(Object.fromEntries(news));
        Object.assign(state, Object.fromEntries(news));
        // Like a change of the widget itself.
        void link.applyTraits();
      }
    }
  });
  /** Set traits in Python. */
  const python = async (change: Partial<ITraits>) => {
    Object.assign(state, change);
    await link.applyTraits();
  };
  return {
    model,
    state,
    sent,
    link,
    python,
    listObjects,
    listBuckets: store.listBuckets,
    hold: () => (holds = true),
    release: (at: number) => {
      holds = false;
      const { prefix, answer } = held[at];
      answer.resolve(FOLDERS[`main/${prefix}`]);
    }
  };
}

const selected = (model: BrowserModel) => model.selectedRows.map(({ key }) => key);

describe('WidgetLink', () => {
  it('opens the default bucket and says which one that is', async () => {
    const { link, model, state, sent, listObjects } = setup();
    await link.start();
    expect(model.bucket).toBe('main');
    expect(state.bucket).toBe('main');
    expect(sent).toEqual([{ bucket: 'main' }]);
    expect(listObjects).toHaveBeenCalledTimes(1);
  });

  it('keeps the selection while the list of buckets is loading', async () => {
    const { link, model, state, listBuckets } = setup({ bucket: 'main' });
    const buckets = new Deferred<Awaited<ReturnType<typeof listBuckets>>>();
    listBuckets.mockReturnValueOnce(buckets.promise);
    const started = link.start();
    await vi.waitFor(() => expect(model.rows).toHaveLength(3));
    model.select(selection => selection.only('a.txt'));
    buckets.resolve({ owner: null, defaultBucket: 'main', listable: true, buckets: [] });
    await started;
    await vi.waitFor(() => expect(state.selected).toEqual(['s3://main/a.txt']));
    expect(selected(model)).toEqual(['a.txt']);
  });

  it('keeps the user’s selection while Python’s selection is being loaded', async () => {
    const { link, model, state, python, listObjects, hold, release } = setup({ bucket: 'main' });
    await link.start();
    hold();
    const named = python({ selected: ['s3://main/new.txt'] });
    await vi.waitFor(() => expect(listObjects).toHaveBeenCalledTimes(2));
    model.select(selection => selection.only('b.txt'));
    release(0);
    await named;
    expect(state.selected).toEqual(['s3://main/b.txt']);
    expect(selected(model)).toEqual(['b.txt']);
  });

  it('starts in a folder of the default bucket', async () => {
    const { link, model, sent } = setup({ prefix: 'data/', filter: 'x' });
    await link.start();
    expect(model.prefix).toBe('data/');
    expect(model.rows.map(({ key }) => key)).toEqual(['data/x']);
    expect(sent).toEqual([{ bucket: 'main' }]);
  });

  it('starts in the folder of the selected object', async () => {
    const { link, model, state } = setup({ selected: ['s3://main/data/y'] });
    await link.start();
    expect(model.prefix).toBe('data/');
    expect(selected(model)).toEqual(['data/y']);
    expect(state).toMatchObject({
      bucket: 'main',
      prefix: 'data/',
      selected: ['s3://main/data/y']
    });
  });

  it('reports each action of the user once', async () => {
    const { link, model, sent, listObjects } = setup();
    await link.start();
    sent.length = 0;
    model.select(selection => selection.all(['data/', 'a.txt']));
    expect(sent).toEqual([{ selected: ['s3://main/data/', 's3://main/a.txt'] }]);
    model.setFilter('a');
    expect(sent.slice(1)).toEqual([{ filter: 'a' }]);
    await model.open('main', 'data/');
    // The selection is cleared in the same message.
    expect(sent.slice(2)).toEqual([{ prefix: 'data/', filter: '', selected: [] }]);
    expect(listObjects).toHaveBeenCalledTimes(2);
  });

  it('follows traits set in Python without echoing them', async () => {
    const { link, model, sent, python } = setup();
    await link.start();
    sent.length = 0;
    await python({ prefix: 'data/' });
    expect(model.prefix).toBe('data/');
    await python({ filter: 'y' });
    expect(model.rows).toHaveLength(1);
    await python({ selected: ['s3://main/data/y'] });
    expect(selected(model)).toEqual(['data/y']);
    expect(sent).toEqual([]);
    await python({ filter: '', bucket: 'other', prefix: '' });
    expect(model.bucket).toBe('other');
    expect(sent).toEqual([{ selected: [] }]);
    await python({ bucket: '' });
    expect(sent.slice(1)).toEqual([{ bucket: 'main' }]);
  });

  it('opens the folder of an object selected in Python', async () => {
    const { link, model, state, python } = setup();
    await link.start();
    await python({ selected: ['s3://main/data/x', 's3://main/data/y'] });
    expect(model.prefix).toBe('data/');
    expect(selected(model)).toEqual(['data/x', 'data/y']);
    expect(state.prefix).toBe('data/');
  });

  it('finds objects written since the folder was read', async () => {
    const { link, model, python, listObjects } = setup();
    await link.start();
    listObjects.mockImplementationOnce(async () => page(['a.txt', 'b.txt', 'new.txt'], ['data/']));
    await python({ selected: ['s3://main/new.txt'] });
    expect(selected(model)).toEqual(['new.txt']);
  });

  it('waits for a folder that the user has just opened', async () => {
    const { link, model, python, hold, release } = setup();
    await link.start();
    hold();
    const opened = model.open('main', 'data/');
    const applied = python({ selected: ['s3://main/data/y'] });
    release(0);
    await Promise.all([opened, applied]);
    expect(selected(model)).toEqual(['data/y']);
  });

  it('closes a search for an object selected in Python, unless it is a hit', async () => {
    const { link, model, state, python } = setup();
    await link.start();
    await model.startSearch({ q: 'x', mode: 'contains', recursive: true });
    await python({ selected: ['s3://main/data/x'] });
    expect([model.search === null, model.prefix]).toEqual([true, 'data/']);
    await python({ prefix: '' });
    await model.startSearch({ q: 'a', mode: 'contains', recursive: true });
    await python({ selected: ['s3://main/a.txt'] });
    expect([model.search === null, selected(model)]).toEqual([false, ['a.txt']]);
    expect(state.selected).toEqual(['s3://main/a.txt']);
  });

  it('deselects objects that do not exist', async () => {
    const { link, state, python } = setup();
    await link.start();
    await python({ selected: ['s3://main/a.txt', 's3://main/none'] });
    expect(state.selected).toEqual(['s3://main/a.txt']);
  });

  it('applies traits that Python sets while a folder is loading', async () => {
    const { link, model, state, sent, python, hold, release } = setup({
      selected: ['s3://main/a.txt']
    });
    await link.start();
    sent.length = 0;
    hold();
    const first = python({ prefix: 'data/' });
    expect(sent).toEqual([]);
    const second = python({ selected: ['s3://main/data/x'] });
    release(0);
    await Promise.all([first, second]);
    expect(selected(model)).toEqual(['data/x']);
    expect(state.selected).toEqual(['s3://main/data/x']);
    expect(sent).toEqual([]);
  });

  it('ends in the folder that was set last', async () => {
    const { link, model, state, python, hold, release } = setup();
    await link.start();
    hold();
    const first = python({ prefix: 'data/' });
    const second = python({ prefix: '' });
    release(1);
    release(0);
    await Promise.all([first, second]);
    expect([model.prefix, state.prefix]).toEqual(['', '']);
    expect(model.rows).toHaveLength(3);
  });

  it('lets the user open another folder while Python’s traits are being applied', async () => {
    const { link, model, state, python, hold, release } = setup({
      selected: ['s3://main/data/x']
    });
    await link.start();
    hold();
    const applied = python({ prefix: '' });
    release(0);
    await model.open('other');
    await applied;
    expect(state).toMatchObject({ bucket: 'other', prefix: '', selected: [] });
  });

  it('selects only one row if `multiple` is false', async () => {
    const { link, model, state, python } = setup();
    await link.start();
    model.select(selection => selection.all(['a.txt', 'b.txt']));
    await python({ multiple: false });
    expect(state.selected).toEqual(['s3://main/a.txt']);
    model.select(selection => selection.toggle('b.txt'));
    expect(state.selected).toEqual(['s3://main/b.txt']);
    model.select(selection => selection.extend(model.list, 'a.txt'));
    expect(state.selected).toEqual(['s3://main/a.txt']);
    model.select(selection => selection.all(['a.txt', 'b.txt']));
    expect(state.selected).toEqual(['s3://main/a.txt']);
  });

  it('reports nothing after its browser is disposed', async () => {
    const { link, model, sent, python, hold, release } = setup();
    await link.start();
    sent.length = 0;
    hold();
    const applied = python({ prefix: 'data/' });
    link.dispose();
    model.dispose();
    release(0);
    await applied;
    await python({ prefix: '' });
    expect(sent).toEqual([]);
    expect(model.prefix).toBe('data/');
  });
});
