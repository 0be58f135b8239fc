/** More cuts cost more than they tell; the core keeps room for so many. */
export const MOST_CUTS = 2048;
