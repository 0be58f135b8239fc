/** Where a quick bound comes from, the loosest first. */
export type QuickMethod = 'intervals' | 'zonotope' | 'crown';
