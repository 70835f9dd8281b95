/** What a cluster's form accepts: the same rules as the API's, so that most mistakes never leave the page. */
import * as z from 'zod/mini'

const LARGEST = 10_000

export const clusterForm = z.object({
  name: z.string().check(
    z.refine((value) => value.trim() !== '', 'Give it a name.'),
    z.maxLength(255, 'At most 255 characters.'),
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a name must not have
    z.refine((value) => !/[\u0000-\u001f\u007f]/.test(value), 'No control characters.'),
  ),
  wanted_size: z
    .number('A whole number.')
    .check(
      z.int('A whole number.'),
      z.gte(0, 'Not below 0.'),
      z.lte(LARGEST, `At most ${LARGEST.toLocaleString('en')}.`),
    ),
})

export type ClusterForm = z.infer<typeof clusterForm>
