/** Collapsed metadata of a format. */
export function FoldedFacts({
  title,
  facts
}: {
  title: string;
  facts: Record<string, string>;
}): JSX.Element | null {
  const entries = Object.entries(facts);
  if (!entries.length) {
    return null;
  }
  return (
    <details className="odhtec-FoldedFacts">
      <summary>
        {title} ({entries.length})
      </summary>
      <dl tabIndex={0} aria-label={title}>
        {entries.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
