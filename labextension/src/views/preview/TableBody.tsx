import type { TranslationBundle } from '@jupyterlab/translation';

import type { IBodyProps, Kind } from './bodyprops';
import { FoldedFacts } from './FoldedFacts';
import { Scroll } from './Scroll';

/** The first rows of a table. */
export function TableBody({ preview, trans }: IBodyProps<Kind<'table'>>): JSX.Element {
  const { columns, rows, metadata } = preview;
  return (
    <>
      <Scroll label={trans.__('Rows')}>
        <table className="odhtec-Table">
          <thead>
            <tr>
              <th scope="col" className="odhtec-Table-number">
                <span className="odhtec-hidden">{trans.__('Row')}</span>
              </th>
              {columns.map(({ name, type }, index) => (
                <th scope="col" key={index}>
                  {name}
                  {type && <span className="odhtec-Table-type">{type}</span>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, number) => (
              <tr key={number}>
                <th scope="row" className="odhtec-Table-number">
                  {number + 1}
                </th>
                {columns.map((_, index) => (
                  <Cell key={index} value={row[index]} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {!rows.length && <p className="odhtec-Preview-empty">{trans.__('No rows')}</p>}
      </Scroll>
      <p className="odhtec-Preview-sum">{sum(preview, trans)}</p>
      <FoldedFacts title={trans.__('Metadata')} facts={metadata} />
    </>
  );
}

function Cell({ value }: { value: unknown }): JSX.Element {
  if (value === null || value === undefined) {
    return <td className="odhtec-mod-null">{String(null)}</td>;
  }
  if (typeof value === 'number') {
    return <td className="odhtec-mod-number">{value}</td>;
  }
  return <td>{typeof value === 'string' ? value : JSON.stringify(value)}</td>;
}

function sum(preview: Kind<'table'>, trans: TranslationBundle): string {
  const { rows, columns, totalRows, rowGroups, truncated } = preview;
  const shown = rows.length.toLocaleString();
  const all =
    totalRows !== null
      ? trans._n('%2 of %1 row', '%2 of %1 rows', totalRows, shown)
      : truncated
        ? trans.__('The first %1 rows', shown)
        : trans._n('%1 row', '%1 rows', rows.length);
  return [
    all,
    trans._n('%1 column', '%1 columns', columns.length),
    rowGroups === null ? '' : trans._n('%1 row group', '%1 row groups', rowGroups)
  ]
    .filter(Boolean)
    .join(' · ');
}
