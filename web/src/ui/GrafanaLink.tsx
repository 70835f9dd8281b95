/** The same time and subject in Grafana, in a tab of its own; nothing where there is no Grafana. */
import { Button } from '@mantine/core'
import { dashboard, grafana, type Sight } from '~/ui/grafana'
import { Icon } from '~/ui/Icon'

export function GrafanaLink(sight: Sight) {
  const base = grafana()
  if (!base) return null
  return (
    <Button
      component="a"
      href={dashboard(base, sight)}
      leftSection={<Icon name="monitoring" />}
      rel="noreferrer"
      target="_blank"
      variant="default"
    >
      Grafana
    </Button>
  )
}
