/** Decide what a change to a cluster will do, before anything is asked for; pure. */
import type { Cluster, ClusterChange, OnConflict } from '~/clusters/api'
import type { Difference, Plan } from '~/ui/ChangeDialog'
import { plural } from '~/ui/format'

function costOf(unit: number | null, before: number, after: number): Plan['cost'] {
  return unit === null || Number.isNaN(after) ? null : { before: unit * before, after: unit * after }
}

function sizes(before: number, after: number): Difference[] {
  return before === after || Number.isNaN(after) ? [] : [{ what: 'Wanted size', before, after }]
}

export function scalePlan(cluster: Cluster, size: number, unit: number | null): Plan {
  const more = size - cluster.wanted_size
  const sentence = Number.isNaN(more)
    ? 'Say how many droplets it should have.'
    : more > 0
      ? `${plural(more, 'droplet')} will be ordered.`
      : more < 0
        ? `${plural(-more, 'droplet')} will be drained and destroyed, the newest first.`
        : 'It has this size already.'
  return {
    title: `Scale ${cluster.name}`,
    sentence,
    differences: sizes(cluster.wanted_size, size),
    cost: costOf(unit, cluster.wanted_size, size),
    consequences: more < 0 ? ['What is stored on those droplets is lost.'] : [],
    confirm: more < 0 ? `Remove ${plural(-more, 'droplet')}` : 'Scale',
    danger: more < 0,
    request: {
      method: 'PUT',
      path: `/clusters/${cluster.id}`,
      body: { wanted_size: size, revision: cluster.revision },
      cli: ['cluster', 'scale', cluster.id, String(size), '--wait'],
    },
  }
}

export function provisionPlan(cluster: Cluster, count: number, unit: number | null): Plan {
  const parameters = { cluster_id: cluster.id, count }
  return {
    title: `Add droplets to ${cluster.name}`,
    sentence: Number.isNaN(count)
      ? 'Say how many.'
      : `${plural(count, 'droplet')} will be ordered in one job, and the wanted size goes up with them.`,
    differences: sizes(cluster.wanted_size, cluster.wanted_size + count),
    cost: costOf(unit, cluster.wanted_size, cluster.wanted_size + count),
    confirm: Number.isNaN(count) ? 'Add' : `Add ${plural(count, 'droplet')}`,
    request: {
      method: 'POST',
      path: '/jobs',
      body: { type: 'provision', parameters },
      cli: ['cluster', 'provision', cluster.id, '--count', String(count), '--wait'],
    },
  }
}

export function deletePlan(cluster: Cluster, onConflict: OnConflict, unit: number | null): Plan {
  return {
    title: `Delete ${cluster.name}`,
    sentence: 'The cluster and all its droplets will be drained and destroyed.',
    differences: [{ what: 'Droplets', before: cluster.droplets.length, after: 0 }],
    cost: costOf(unit, cluster.wanted_size, 0),
    consequences: [
      `${plural(cluster.droplets.length, 'droplet')} and everything stored on them are lost.`,
      'Its jobs and events stay in the history.',
    ],
    confirm: 'Delete cluster',
    danger: true,
    typed: cluster.name,
    request: {
      method: 'DELETE',
      path: `/clusters/${cluster.id}`,
      query: { on_conflict: onConflict },
      cli: ['cluster', 'delete', cluster.id, '--yes', '--wait'],
    },
  }
}

export interface SettingsDraft {
  name: string
  provider: string | null
  region: string | null
  size: string | null
  image: string | null
}

const FIELDS = ['name', 'provider', 'region', 'size', 'image'] as const

/** Only what differs, with the revision it was read at. */
export function changesOf(cluster: Cluster, draft: SettingsDraft): ClusterChange {
  const change: ClusterChange = { revision: cluster.revision }
  for (const name of FIELDS) {
    if ((draft[name] || null) !== cluster[name]) Object.assign(change, { [name]: draft[name] || null })
  }
  return change
}

export function settingsPlan(
  cluster: Cluster,
  draft: SettingsDraft,
  before: number | null,
  after: number | null,
): Plan {
  const change = changesOf(cluster, draft)
  const differences = FIELDS.filter((name) => name in change).map((name) => ({
    what: name === 'name' ? 'Name' : `Default ${name}`,
    before: cluster[name] ?? 'chosen by placement',
    after: draft[name] || 'chosen by placement',
  }))
  const cost =
    before === null || after === null
      ? null
      : { before: before * cluster.wanted_size, after: after * cluster.wanted_size }
  return {
    title: `Change ${cluster.name}`,
    sentence: 'Defaults hold for droplets ordered from now on; those that run stay as they are.',
    differences,
    cost: differences.some((one) => one.what !== 'Name') ? cost : null,
    confirm: 'Save changes',
    request: { method: 'PUT', path: `/clusters/${cluster.id}`, body: change },
  }
}

/** In words, what differs between two readings of a cluster. */
export function whatChanged(before: Cluster, now: Cluster): string {
  const fields = ['name', 'wanted_size', 'provider', 'region', 'size', 'image'] as const
  const changes = fields
    .filter((name) => before[name] !== now[name])
    .map((name) => `${name.replace('_', ' ')} ${before[name] ?? 'unset'} → ${now[name] ?? 'unset'}`)
  return changes.length > 0 ? changes.join(', ') : `revision ${before.revision} → ${now.revision}`
}
