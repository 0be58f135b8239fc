import { getNodeValue, parseTree } from 'jsonc-parser';

/** Where the checks of weights of a specification begin, and what they are called. */
export function weightsChecks(text: string): { readonly offset: number; readonly name: string | undefined }[] {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  const checks = tree?.children?.find(property => property.children?.[0]?.value === 'checks')?.children?.[1];
  return (checks?.children ?? []).flatMap(node => {
    if (node.type !== 'object') return [];
    const { perturb, name } = getNodeValue(node) as { perturb?: unknown; name?: unknown };
    return perturb === 'weights' ? [{ offset: node.offset, name: typeof name === 'string' ? name : undefined }] : [];
  });
}
