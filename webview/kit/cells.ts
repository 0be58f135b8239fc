/** Cells in a rectangle; `place` says whose number each cell shows, row by row; −1 for a gap. */
export interface Cells {
  readonly width: number;
  readonly height: number;
  readonly place: Int32Array;
}
