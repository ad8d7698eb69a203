import type { IBodyProps, Kind } from './bodyprops';
import { Rendered } from './Rendered';
import { Scroll } from './Scroll';

type Cell = Kind<'notebook'>['cells'][number];

/** The first cells of a notebook, not executed. */
export function NotebookBody(props: IBodyProps<Kind<'notebook'>>): JSX.Element {
  const { preview, object, renderers, trans } = props;
  const { cells, cellCount, truncated } = preview;
  return (
    <>
      <Scroll label={trans.__('Cells')}>
        {cells.map((cell, index) =>
          cell.cellType === 'markdown' ? (
            <Rendered
              key={index}
              className="odhtec-Cell"
              text={cell.source}
              render={node => renderers.markdown(node, cell.source, object)}
            />
          ) : (
            <PlainCell key={index} cell={cell} />
          )
        )}
        {!cells.length && (
          <p className="odhtec-Preview-empty">{trans.__('The notebook has no cells.')}</p>
        )}
      </Scroll>
      {truncated && (
        <p className="odhtec-Preview-sum">
          {trans.__('The first %1 of %2 cells, shortened.', cells.length, cellCount)}
        </p>
      )}
    </>
  );
}

function PlainCell({ cell }: { cell: Cell }): JSX.Element {
  return (
    <div className="odhtec-Cell">
      <pre className={`odhtec-Cell-source odhtec-mod-${cell.cellType}`}>{cell.source}</pre>
      {cell.outputs.map((output, index) => (
        <pre key={index} className="odhtec-Cell-output">
          {output}
        </pre>
      ))}
    </div>
  );
}
