import { useDeferredValue, useState } from 'react';

import { formatCount } from '../../format';
import { visible } from '../../visible';
import type { IBodyProps, Kind } from './bodyprops';
import { FoldedFacts } from './FoldedFacts';
import { Scroll } from './Scroll';

/** Use the filter to find further rows. */
const MAX_SHOWN = 500;

/** The header of a model file. */
export function TensorsBody({ preview, trans }: IBodyProps<Kind<'tensors'>>): JSX.Element {
  const { tensors, tensorCount, parameters, dtypes, metadata, truncated } = preview;
  const [filter, setFilter] = useState('');
  const wanted = useDeferredValue(filter).toLocaleLowerCase();
  const matching = tensors.filter(({ name }) => name.toLocaleLowerCase().includes(wanted));
  const shares = Object.entries(dtypes).sort(([, a], [, b]) => b - a);
  return (
    <>
      <div className="odhtec-Tensors-head">
        <p>
          {parameters !== null && (
            <strong>{trans.__('%1 parameters', formatCount(parameters))} </strong>
          )}
          {trans._n('in %1 tensor', 'in %1 tensors', tensorCount)}
          {shares.length > 0 && (
            <span className="odhtec-Tensors-dtypes">
              {shares.map(([dtype, count]) => (
                <span key={dtype}>
                  {dtype} {formatCount(count)}
                </span>
              ))}
            </span>
          )}
        </p>
        <input
          className="jp-mod-styled odhtec-Input"
          type="search"
          spellCheck={false}
          placeholder={trans.__('Filter tensors by name')}
          aria-label={trans.__('Filter tensors by name')}
          value={filter}
          onChange={event => setFilter(event.target.value)}
        />
      </div>
      <Scroll label={trans.__('Tensors')}>
        <table className="odhtec-Table">
          <thead>
            <tr>
              <th scope="col">{trans.__('Tensor')}</th>
              <th scope="col">{trans.__('Dtype')}</th>
              <th scope="col">{trans.__('Shape')}</th>
            </tr>
          </thead>
          <tbody>
            {matching.slice(0, MAX_SHOWN).map(({ name, dtype, shape }) => (
              <tr key={name}>
                <td>{visible(name)}</td>
                <td>{dtype}</td>
                <td className="odhtec-mod-number">{shape.join(' × ') || trans.__('scalar')}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {!matching.length && (
          <p className="odhtec-Preview-empty">{trans.__('No matching tensors')}</p>
        )}
      </Scroll>
      {(truncated || matching.length > MAX_SHOWN) && (
        <p className="odhtec-Preview-sum">
          {trans.__(
            'Showing %1 of %2 tensors.',
            Math.min(matching.length, MAX_SHOWN).toLocaleString(),
            tensorCount.toLocaleString()
          )}
        </p>
      )}
      <FoldedFacts title={trans.__('Metadata')} facts={metadata} />
    </>
  );
}
