/** Where droplets go and how large they are, with the price of the choice as it is made. */
import { Select, SimpleGrid, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useRefusal } from '~/auth/useMay'
import { type Catalog, catalogOf, placementOf, providerList, type Wish } from '~/droplets/api'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { bytes, perHour, perMonth } from '~/ui/format'
import classes from './PlacementFields.module.css'

interface Props {
  value: Wish
  onChange: (value: Wish) => void
  errors?: Record<string, string | undefined>
}

const MIB = 1024 * 1024

export function PlacementFields({ value, onChange, errors = {} }: Props) {
  const providers = useQuery(providerList())
  const usual = providers.data?.find((one) => one.default)?.name ?? ''
  const catalog = useQuery(catalogOf(value.provider || usual))
  const set = (name: keyof Wish) => (chosen: string | null) =>
    onChange(name === 'provider' ? { provider: chosen || undefined } : { ...value, [name]: chosen || undefined })

  const failed = [providers, catalog].find((one) => one.error)

  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
      {failed && (
        <div className={classes.failed}>
          <ErrorPanel compact error={failed.error} onRetry={() => void failed.refetch()} />
        </div>
      )}
      <Select
        clearable
        data={(providers.data ?? []).map((one) => ({
          value: one.name,
          label: one.default ? `${one.name} (default)` : one.name,
        }))}
        description={providers.data?.find((one) => one.name === (value.provider || usual))?.note}
        error={errors.provider}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        label="Provider"
        onChange={set('provider')}
        placeholder="Chosen by placement"
        value={value.provider ?? null}
      />
      <Select
        clearable
        data={sizes(catalog.data)}
        error={errors.size}
        label="Size"
        onChange={set('size')}
        placeholder="Chosen by placement"
        value={value.size ?? null}
      />
      <Select
        clearable
        data={(catalog.data?.regions ?? []).map((one) => ({
          value: one.slug,
          label: one.name,
          disabled: one.available === false,
        }))}
        error={errors.region}
        label="Region"
        onChange={set('region')}
        placeholder="Chosen by placement"
        searchable
        value={value.region ?? null}
      />
      <Select
        clearable
        data={(catalog.data?.images ?? []).map((one) => ({
          value: one.slug,
          label: one.name,
          disabled: one.available === false,
        }))}
        error={errors.image}
        label="Image"
        onChange={set('image')}
        placeholder="The provider’s usual"
        value={value.image ?? null}
      />
    </SimpleGrid>
  )
}

function sizes(catalog: Catalog | undefined) {
  return (catalog?.sizes ?? []).map((one) => ({
    value: one.slug,
    label: `${one.vcpus} vCPU, ${bytes(one.memory_mb * MIB)}, ${one.disk_gb} GB · ${perHour(one.hourly_usd_micros ?? 0)}`,
    disabled: one.available === false,
  }))
}

interface UnitPrice {
  price: number | null
  place: string | null
  refused: string | null
  error: unknown
  retry: () => void
}

/** Micro-dollars an hour of one such droplet, by the placement that would be chosen; null while unknown. */
export function useUnitPrice(wish: Wish): UnitPrice {
  const everything = useRefusal('viewer') === ''
  const { data, error, refetch } = useQuery({
    ...placementOf({
      provider: wish.provider || null,
      region: wish.region || null,
      size: wish.size || null,
      image: wish.image || null,
    }),
    enabled: everything,
  })
  const failure = { error, retry: () => void refetch() }
  const chosen = data?.chosen
  if (!chosen)
    return {
      ...failure,
      price: null,
      place: null,
      refused: data ? (data.candidates[0]?.rejected_because ?? 'No provider offers this.') : null,
    }
  return {
    ...failure,
    price: chosen.hourly_usd_micros,
    place: `${chosen.provider}, ${chosen.region}, ${chosen.size}`,
    refused: null,
  }
}

export function PriceLine({ wish, count }: { wish: Wish; count: number }) {
  const { price, place, refused, error, retry } = useUnitPrice(wish)
  if (error) return <ErrorPanel compact error={error} onRetry={retry} />
  return (
    <div aria-live="polite" className={classes.price}>
      <div>
        <Text size="sm">{refused ?? (place ? `Placed on ${place}` : 'Looking for a place…')}</Text>
        {price !== null && count > 1 && (
          <Text c="dimmed" size="xs">
            {count} × {perHour(price)}
          </Text>
        )}
      </div>
      {price !== null && (
        <div className={classes.sum}>
          <strong>{perHour(price * count)}</strong>
          <span>{price * count > 0 && perMonth(price * count)}</span>
        </div>
      )}
    </div>
  )
}
