/** The keys of the specification as docs/spec.md lists them, made from the JSON schema that the editor completes from. */

interface Schema {
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
}

/** One row `| key | must | default | what it is |` for every key that may occur, in the order of the schema. */
export function keyRows(schema: Schema): string[] {
  return rowsOf(schema, '');
}

function rowsOf(schema: Schema, path: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const name = `${path}${key}`;
    const needed = schema.required?.includes(key) ? 'yes' : '';
    const fallback = value.default === undefined ? '' : `\`${JSON.stringify(value.default)}\``;
    const choices = value.enum === undefined ? '' : ` One of ${value.enum.map(choice => `\`${choice}\``).join(', ')}.`;
    const row = `| \`${name}\` | ${needed} | ${fallback} | ${value.description ?? ''}${choices} |`;
    // The solver's options are listed once; a check repeats them all.
    if (path.startsWith('checks') && key === 'solver') return [row];
    const inside = value.oneOf ?? value.items?.oneOf;
    if (inside === undefined) return [row, ...rowsOf(value, `${name}.`)];
    return [row, ...inside.flatMap(variant => variantRows(variant, value.items === undefined ? name : `${name}[]`))];
  });
}

/** The rows of one of several forms, each named by the constant that chooses it: `property (topk).k`. */
function variantRows(variant: Schema, path: string): string[] {
  const chosen = Object.values(variant.properties ?? {}).find(value => value.const !== undefined)?.const;
  return rowsOf(variant, `${path} (${String(chosen)}).`);
}
