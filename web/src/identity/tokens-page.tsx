/** API tokens: what machines show at the door. Made here, shown once, revoked at once. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { readTokens } from '../client/api'
import { Empty, LoadFailed, Loading } from '../ui/empty'
import { Sheet } from '../ui/sheet'
import { TokenForm } from './token-form'
import { TokenRow } from './token-row'
import { TokenValue } from './token-value'
import './tokens-page.css'

export default function TokensPage() {
  const { t } = useTranslation()
  const [making, setMaking] = useState(false)
  const [value, setValue] = useState<string | null>(null)
  const tokens = useQuery({ queryKey: ['tokens'], queryFn: ({ signal }) => readTokens(signal) })
  const shown = (fresh: string) => {
    setValue(fresh)
    setMaking(false)
    void tokens.refetch()
  }
  const tools = (
    <button type="button" className="button main" disabled={making} onClick={() => setMaking(true)}>
      {t('tokens.make')}
    </button>
  )
  return (
    <Sheet title={t('tokens.title')} tools={tools}>
      <div className="tokens">
        <p className="quiet">{t('tokens.lead')}</p>
        {value === null ? null : <TokenValue value={value} close={() => setValue(null)} />}
        {making ? <TokenForm made={shown} cancel={() => setMaking(false)} /> : null}
        {tokens.isPending ? <Loading what={t('tokens.loading')} /> : null}
        {tokens.error !== null ? <LoadFailed error={tokens.error} again={() => void tokens.refetch()} /> : null}
        {tokens.data?.length === 0 ? (
          <Empty title={t('tokens.empty')}>
            <p className="quiet">{t('tokens.emptyHint')}</p>
          </Empty>
        ) : null}
        <ul className="token-list">
          {tokens.data?.map((token) => (
            <TokenRow key={token.id} token={token} changed={() => void tokens.refetch()} />
          ))}
        </ul>
      </div>
    </Sheet>
  )
}
