// What is looked for in every state of every page; these functions run inside the page.

/** Elements that reach over the right edge, other than those that scroll by themselves. */
export function wide() {
  return [...document.querySelectorAll('body *')]
    .filter(
      each => !each.closest('.table, .virtual-list, .side') && each.getBoundingClientRect().right > innerWidth + 1,
    )
    .map(each => `${each.tagName}.${each.className}`);
}

/** Controls, pictures and tables that a screen reader could only call by their kind. */
export function unnamed() {
  const named = each =>
    [
      each.getAttribute('aria-label'),
      each.getAttribute('aria-labelledby'),
      each.textContent,
      ...[...(each.labels ?? [])].map(label => label.textContent),
      each.closest('label')?.textContent,
    ].some(text => text?.trim()) || each.getAttribute('aria-hidden') === 'true';
  const wanted =
    'button, input, select, table, meter, progress, [role=img], [role=application], [role=listbox], [role=grid], vscode-button, vscode-dropdown, vscode-text-field, vscode-checkbox, canvas, svg';
  return [...document.querySelectorAll(wanted)]
    .filter(each => !each.closest('[aria-hidden=true], [role=img]:not(canvas, svg)') && !named(each))
    .map(each => each.outerHTML.slice(0, 120));
}
