/** Decide what destroying many droplets, or settling many orphans, will do; pure, but for the calls it names. */
import { type Droplet, destroyDroplets, type Orphan, settleOrphans } from '~/droplets/api'
import type { Bulk } from '~/ui/bulk'
import { plural } from '~/ui/format'

const LEAVING = ['draining', 'deleting', 'deleted']

/** Those whose end is not decided yet. */
export function destroyable(droplets: Droplet[]): Droplet[] {
  return droplets.filter((one) => !LEAVING.includes(one.status))
}

const costOf = (things: { hourly_usd_micros: number }[]): number =>
  things.reduce((sum, one) => sum + one.hourly_usd_micros, 0)

export function destroyBulk(droplets: Droplet[]): Bulk {
  const fit = destroyable(droplets)
  const ids = fit.map((one) => one.id)
  const names = new Map(fit.map((one) => [one.id, one.name]))
  const clusters = new Map<string, number>()
  for (const { cluster_id: id, status } of fit) {
    // One that is broken is being replaced already: its cluster does not want fewer.
    if (id && status !== 'failed' && status !== 'lost') clusters.set(id, (clusters.get(id) ?? 0) + 1)
  }
  const skipped = droplets.length - fit.length
  return {
    ids,
    nameOf: (id) => names.get(id) ?? id,
    call: destroyDroplets,
    plan: {
      title: `Destroy ${plural(ids.length, 'droplet')}`,
      sentence: `They are drained and destroyed.${skipped > 0 ? ` ${plural(skipped, 'other')} of those selected are leaving already.` : ''}`,
      differences: [...clusters].map(([id, count]) => ({
        what: `Wanted by ${id}`,
        before: '–',
        after: `${count} fewer`,
      })),
      cost: { before: costOf(fit), after: 0 },
      consequences: ['What is stored on them is lost.'],
      confirm: `Destroy ${plural(ids.length, 'droplet')}`,
      danger: true,
      request: { method: 'POST', path: '/droplets/bulk', body: { action: 'destroy', ids } },
    },
  }
}

export function orphansBulk(action: 'adopt' | 'destroy', orphans: Orphan[]): Bulk {
  const refs = orphans.map((one) => one.ref)
  const names = new Map(orphans.map((one) => [one.ref, one.name]))
  const cost = costOf(orphans)
  const adopt = action === 'adopt'
  const verb = adopt ? 'Adopt' : 'Destroy'
  return {
    ids: refs,
    nameOf: (ref) => names.get(ref) ?? ref,
    call: (part) => settleOrphans(action, part),
    plan: {
      title: `${verb} ${plural(refs.length, 'orphan')}`,
      sentence: adopt
        ? 'They become droplets again, each under the id on its tag, in no cluster.'
        : 'The machines are destroyed.',
      differences: [{ what: plural(refs.length, 'machine'), before: 'orphans', after: adopt ? 'droplets' : 'gone' }],
      cost: { before: cost, after: adopt ? cost : 0 },
      consequences: adopt ? [] : ['What is stored on them is lost.'],
      confirm: `${verb} ${plural(refs.length, 'orphan')}`,
      danger: !adopt,
      request: { method: 'POST', path: '/droplets/orphans/bulk', body: { action, refs } },
    },
  }
}
