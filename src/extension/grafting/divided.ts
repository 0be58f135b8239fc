/** A part of an ε as a person would write it: half of `8/255` is `4/255`, half of `0.1` is `0.05`. Null for what is no single number. */
export function divided(epsilon: string, by: number): string | null {
  const match = /^\s*([0-9.eE+-]+)\s*(\/\s*[0-9.eE+-]+)?\s*$/.exec(epsilon);
  const over = Number(match?.[1]);
  if (!match || !(over > 0)) return null;
  return `${Number((over / by).toPrecision(6))}${match[2]?.replaceAll(/\s/g, '') ?? ''}`;
}
