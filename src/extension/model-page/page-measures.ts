import type { Measure } from '../../../webview/model/protocol';
import type { MeasureId, StudyMeasure } from './study-measures';

/** How each measure is shown, and the command that makes it; those that the page measures by itself have none. */
const LOOKS: Readonly<
  Record<
    MeasureId,
    Pick<Measure, 'label' | 'format' | 'combine'> & { readonly missing: string; readonly command: string | null }
  >
> = {
  unstable: {
    label: 'Unstable neurons',
    format: 'part',
    combine: 'mean',
    missing: 'Which neurons can be on either side of 0 has not been measured.',
    command: null,
  },
  width: {
    label: 'Bound width',
    format: 'number',
    combine: 'largest',
    missing: 'The bounds of the neurons have not been measured.',
    command: null,
  },
  tolerance: {
    label: 'Weight tolerance',
    format: 'percent',
    combine: 'smallest',
    missing: 'How far weights may move has not been measured.',
    command: 'certiscope.weightTolerance',
  },
  grafting: {
    label: 'Grafting ratio',
    format: 'part',
    combine: 'mean',
    missing: 'No mask of linear neurons has been made of this model.',
    command: 'certiscope.graft',
  },
};

export const MEASURES = Object.keys(LOOKS) as readonly MeasureId[];

/** The command that makes a measure; null where the page starts the study itself. */
export function commandOf(id: MeasureId): string | null {
  return LOOKS[id].command;
}

/** A measure as the page has it, known or not. */
export function shownMeasure(
  id: MeasureId,
  known: { readonly measure: StudyMeasure; readonly isStale: boolean } | undefined,
  commands: ReadonlySet<string>,
): Measure {
  const { label, format, combine, missing, command } = LOOKS[id];
  const canMeasure = command === null || commands.has(command);
  return {
    id,
    label,
    format,
    combine,
    about: known?.measure.about ?? missing,
    values: known?.measure.values ?? {},
    stale: known?.isStale ?? false,
    action: canMeasure ? (known ? 'Measure again' : 'Measure now') : null,
  };
}
