/** Findings, the worst first: what was seen, why it is so, and what can be done. */
import { Button, Code, Group } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { Finding } from '~/diagnosis/api'
import { RunRemedy } from '~/diagnosis/RunRemedy'
import { CopyMenu } from '~/ui/CopyMenu'
import { copyText } from '~/ui/ErrorPanel'
import { Icon } from '~/ui/Icon'
import { Status } from '~/ui/Status'
import classes from './Findings.module.css'

export function Findings({ findings, clusterId }: { findings: Finding[]; clusterId: string }) {
  return (
    <ol className={classes.findings}>
      {findings.map((finding) => (
        <li className={classes.finding} key={`${finding.rule} ${finding.droplet_id ?? ''} ${finding.title}`}>
          <One clusterId={clusterId} finding={finding} />
        </li>
      ))}
    </ol>
  )
}

function One({ finding, clusterId }: { finding: Finding; clusterId: string }) {
  const { remedy } = finding
  const calm = finding.rule === 'nothing_wrong'
  return (
    <>
      <div className={classes.head}>
        <Status label={calm ? 'all well' : finding.severity} status={calm ? 'healthy' : finding.severity} />
        <strong className="cg-any">{finding.title}</strong>
        {finding.droplet_id && (
          <Link className="cg-link" search={{ open: finding.droplet_id }} to="/droplets">
            Open the droplet
          </Link>
        )}
      </div>
      <div className={classes.steps}>
        <section>
          <h3>Evidence</h3>
          <Evidence evidence={finding.evidence} />
        </section>
        <section>
          <h3>Likely cause</h3>
          <p>{finding.cause}</p>
        </section>
        <section>
          <h3>Remedy</h3>
          <p>{remedy.action}</p>
          <p className="cg-dim">{remedy.dry_run}</p>
          <Command text={remedy.command} />
          <Group gap={8} mt={8}>
            <RunRemedy clusterId={clusterId} finding={finding} />
            <CopyMenu
              label="Copy remedy as"
              request={{
                method: remedy.api.method,
                path: remedy.api.path.replace(/^\/api\/v1/, ''),
                body: remedy.api.body ?? undefined,
                cli: remedy.command.split(' ').slice(1),
              }}
            />
          </Group>
        </section>
      </div>
    </>
  )
}

function Command({ text }: { text: string }) {
  const [copied, setCopied] = useState(false)
  return (
    <div className={classes.command}>
      <Code className={classes.code}>{text}</Code>
      <Button
        aria-label="Copy the command"
        onClick={() => copyText(text).then(setCopied)}
        px={8}
        size="compact-sm"
        variant="subtle"
      >
        <Icon name={copied ? 'ok' : 'copy'} />
      </Button>
    </div>
  )
}

const FEW = 6

function Evidence({ evidence }: { evidence: Record<string, unknown> }) {
  const entries = Object.entries(evidence)
  return (
    <>
      <Pairs entries={entries.slice(0, FEW)} />
      {entries.length > FEW && (
        <details>
          <summary>{entries.length - FEW} more</summary>
          <Pairs entries={entries.slice(FEW)} />
        </details>
      )}
    </>
  )
}

function Pairs({ entries }: { entries: [string, unknown][] }) {
  return (
    <dl className={classes.evidence}>
      {entries.map(([name, value]) => (
        <div key={name}>
          <dt>{name.replaceAll('_', ' ')}</dt>
          <dd>{typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '–')}</dd>
        </div>
      ))}
    </dl>
  )
}
