import { formatSize } from '../../format';
import { visible } from '../../visible';
import type { IBodyProps, Kind } from './bodyprops';
import { Scroll } from './Scroll';

/** The entries of an archive. */
export function ArchiveBody({ preview, trans }: IBodyProps<Kind<'archive'>>): JSX.Element {
  const { entries, entryCount, totalSize, truncated } = preview;
  const compressed = entries.some(entry => entry.compressedSize !== null);
  const sum = [
    entryCount === null
      ? trans.__('The first %1 entries', entries.length.toLocaleString())
      : truncated
        ? trans.__('%1 of %2 entries', entries.length.toLocaleString(), entryCount.toLocaleString())
        : trans._n('%1 entry', '%1 entries', entryCount),
    totalSize === null ? '' : trans.__('%1 uncompressed', formatSize(totalSize))
  ];
  return (
    <>
      <Scroll label={trans.__('Entries')}>
        <table className="odhtec-Table odhtec-mod-wide">
          <thead>
            <tr>
              <th scope="col">{trans.__('Path')}</th>
              <th scope="col">{trans.__('Size')}</th>
              {compressed && <th scope="col">{trans.__('Compressed')}</th>}
            </tr>
          </thead>
          <tbody>
            {entries.map(({ path, size, compressedSize }, index) => (
              <tr key={index}>
                <td>{visible(path)}</td>
                <td className="odhtec-mod-number">{formatSize(size)}</td>
                {compressed && (
                  <td className="odhtec-mod-number">
                    {compressedSize === null ? '' : formatSize(compressedSize)}
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
        {!entries.length && (
          <p className="odhtec-Preview-empty">{trans.__('The archive is empty.')}</p>
        )}
      </Scroll>
      <p className="odhtec-Preview-sum">{sum.filter(Boolean).join(' · ')}</p>
    </>
  );
}
