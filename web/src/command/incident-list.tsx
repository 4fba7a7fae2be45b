/** The open matters, gravest and oldest first. */
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import type { IncidentRow } from '../client/types'
import { usePicture } from '../journal/picture'
import { Empty, Key, Loading } from '../ui/empty'
import { useDesk } from './desk'
import { IncidentLine } from './incident-row'
import { isOpenSieve, type Sieve } from './sift'

interface ListProps {
  rows: IncidentRow[]
  sieve: Sieve
  mayReport: boolean
  clear: () => void
}

export function IncidentList({ rows, sieve, mayReport, clear }: ListProps) {
  const { t } = useTranslation()
  const desk = useDesk()
  const begun = usePicture((picture) => picture.live.cursor !== null)
  const refused = usePicture((picture) => picture.line === 'refused')
  const changed = usePicture((picture) => picture.changed)
  const list = useRef<HTMLUListElement>(null)

  useEffect(() => {
    if (desk.cursor === null) return
    document.getElementById(`matter-${desk.cursor}`)?.scrollIntoView({ block: 'nearest' })
  }, [desk.cursor])

  if (refused) {
    return (
      <Empty title={t('list.refused')}>
        <p>{t('list.refusedWhat')}</p>
      </Empty>
    )
  }
  if (!begun) return <Loading what={t('load.picture')} />
  if (rows.length === 0) return <NothingOpen sieve={sieve} mayReport={mayReport} clear={clear} />
  return (
    <ul
      ref={list}
      className="lines"
      role="listbox"
      tabIndex={0}
      aria-label={t('list.title')}
      aria-activedescendant={desk.cursor === null ? undefined : `matter-${desk.cursor}`}
    >
      {rows.map((row) => (
        <IncidentLine
          key={row.id}
          row={row}
          chosen={row.id === desk.cursor}
          changed={changed.has(row.id)}
          open={desk.open}
        />
      ))}
    </ul>
  )
}

function NothingOpen({ sieve, mayReport, clear }: Omit<ListProps, 'rows'>) {
  const { t } = useTranslation()
  if (!isOpenSieve(sieve)) {
    return (
      <Empty title={t('list.sifted')}>
        <button type="button" className="button" onClick={clear}>
          {t('list.clear')} <Key name="Esc" />
        </button>
      </Empty>
    )
  }
  return (
    <Empty title={t('list.empty')}>
      {mayReport ? (
        <p>
          {t('list.emptyReport')} <Key name="F2" />
        </p>
      ) : (
        <p>{t('list.emptyWatch')}</p>
      )}
    </Empty>
  )
}
