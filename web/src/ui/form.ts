/** Put what the server found wrong beside the fields it is about; what belongs to no field stays on the form. */
import type { FieldPath, FieldValues, UseFormSetError } from 'react-hook-form'
import { fieldOf, Problem } from '~/api/problem'

/** Marks the fields a problem names, and says whether any of them was one of `known`. */
export function markFields<T extends FieldValues>(
  problem: unknown,
  known: readonly FieldPath<T>[],
  setError: UseFormSetError<T>,
): boolean {
  if (!(problem instanceof Problem)) return false
  let marked = false
  for (const { pointer, detail } of problem.errors) {
    const name = known.find((one) => one === fieldOf(pointer))
    if (!name) continue
    setError(name, { type: 'server', message: detail }, { shouldFocus: !marked })
    marked = true
  }
  return marked
}
